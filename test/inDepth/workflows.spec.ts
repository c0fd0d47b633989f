import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import { setTraffic } from "../../config/edit";
import { localEnvironment, stackName } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { outDir } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { type Split, formatSplit } from "../../migration";
import { run } from "../../tools/child";
import { copyCheckout, gitIn } from "../support/checkoutCopy";
import { StandIns } from "../support/standIns";
import { jobOf } from "../support/workflow";
import { type JobRun, bash, runJob } from "../support/workflowRun";
import { split, stackOnLegacy, succeeded, tools } from "../e2e/world";

const site = path.join(outDir, "e2e", "workflows");
/** A repository of its own with this checkout's files, inside it: Node finds the packages further up. */
const checkout = path.join(site, "checkout");
const remote = path.join(site, "remote.git");
const temp = path.join(site, "temp");

/**
 * Every job's shell steps, in order, on the local stack, with the real CLI, cluster and git. What can't be had here is
 * in test/support/bin; what only GitHub does (actions, OIDC, approval) counts as done.
 */
describe("the workflows, on the local stack", function () {
  this.timeout(300_000);
  let start: LocalStack;
  let standIns: StandIns;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    start = await stackOnLegacy("workflows-start");
    fs.rmSync(site, { recursive: true, force: true });
    fs.mkdirSync(temp, { recursive: true });
    await copyCheckout(checkout, remote);
    const local = localEnvironment(await tools());
    standIns = new StandIns(path.join(site, "stand-ins"), local["PATH"] ?? "");
    // `npm test` tells every npm below it where its own project is.
    const usual = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"));
    env = {
      ...Object.fromEntries(usual),
      ...local,
      ...standIns.env,
      EKS_CLUSTER: "a-cluster",
      AWS_UPDATE_ROLE: "a-role",
      // `pulumi login` must not change where the user's own `pulumi` looks.
      PULUMI_CREDENTIALS_PATH: path.join(site, "credentials"),
      GITHUB_ACTOR: "octocat",
      GITHUB_REF_NAME: "main",
      GITHUB_REPOSITORY: "pyairtable/platform",
      GITHUB_RUN_ID: "77",
      GITHUB_SERVER_URL: "https://github.example",
      GITHUB_SHA: "a".repeat(40),
    };
  });

  after(async () => {
    succeeded(await start.up({ refresh: true }));
  });

  beforeEach(() => {
    standIns.answer({});
  });

  const runsJob = (
    workflow: string,
    job: string,
    values: Readonly<Record<string, string>> = {},
  ): Promise<JobRun> =>
    runJob(jobOf(workflow, job), {
      cwd: checkout,
      temp,
      env,
      values: { "github.token": "t", ...values },
    });

  /** What the cluster's routes say. */
  async function liveSplit(target: RoutedTargetName): Promise<string> {
    const { code, output } = await bash("npx --no cutover status --json", checkout, env);
    assert.equal(code, 0, output);
    const found = statusSchema.parse(JSON.parse(output)).targets.find((each) => each.target === target);
    assert.ok(found, target);
    return formatSplit(found.split);
  }

  const connected = ["npm ci", "aws eks update-kubeconfig --name a-cluster --alias a-cluster"];

  describe("preview", () => {
    const comments = "repos/pyairtable/platform/issues/7/comments";
    const preview = (): Promise<JobRun> =>
      runsJob("preview", "preview", { "github.event.pull_request.number": "7" });

    afterEach(async () => {
      await git("reset", "--quiet", "--hard", "origin/main");
    });

    it("asks git which stacks a merge affects", async () => {
      await commitSplits(["frontend", split("legacy 90 / blue 10")]);
      const local = passed(await runsJob("preview", "affected"));
      assert.equal(local.results.get("steps.find.outputs.stacks"), "[]");
      await git("mv", "Pulumi.prod.yaml", "docs/moved.yaml");
      await git("commit", "--quiet", "--message", "A stack file goes");
      const moved = passed(await runsJob("preview", "affected"));
      assert.equal(moved.results.get("steps.find.outputs.stacks"), '["prod"]');
    });

    it("comments what would move, and mends its comment", async () => {
      await commitSplits(["frontend", split("legacy 90 / blue 10")]);
      passed(await preview());
      assert.deepEqual(standIns.calls, [...connected, `gh GET ${comments}`, `gh POST ${comments}`]);
      assert.match(standIns.body, /^<!-- preview: local -->\n### Preview of local: success\n/);
      assert.match(standIns.body, /pyairtable:frontend\.traffic: legacy 100 -> legacy 90 \/ blue 10/);
      assert.match(standIns.body, /✅ pyairtable@v\S+ \(local: policy\)/);

      standIns.answer({ listed: "41 <!-- preview: local -->\n" });
      passed(await preview());
      assert.equal(standIns.calls.at(-1), "gh PATCH repos/pyairtable/platform/issues/comments/41");
    });

    it("fails on what the rules refuse, and comments it", async () => {
      const some = split("legacy 90 / blue 10");
      await commitSplits(["frontend", some], ["auth-service", some]);
      const { steps } = await preview();
      assert.deepEqual(
        steps.filter(({ outcome }) => outcome !== "success").map(({ step }) => step),
        ["Preview"],
      );
      assert.match(standIns.body, /### Preview of local: failure\n[^]*one-in-flight/);
      assert.match(standIns.body, /refused by one-in-flight/);
    });
  });

  it("update carries out what is merged, and nothing that is out of date", async () => {
    await commitSplits(["frontend", split("legacy 90 / blue 10")]);
    await git("push", "--quiet", "origin", "main");

    standIns.answer({ compared: "index.ts\n" });
    const stale = await bash(".github/scripts/newest.sh", checkout, { ...env, PULUMI_STACK: "staging" });
    assert.notEqual(stale.code, 0);
    assert.equal(await liveSplit("frontend"), "legacy 100");

    standIns.answer({});
    passed(await runsJob("update", "staging"));
    assert.deepEqual(standIns.calls, [
      ...connected,
      `gh GET repos/pyairtable/platform/compare/${"a".repeat(40)}...main`,
    ]);
    assert.equal(await liveSplit("frontend"), "legacy 90 / blue 10");
    // Only the local stack's tag isn't pushed.
    const [good = ""] = (await git("tag", "--list", `good/${stackName}/*`)).trim().split("\n");
    assert.equal(await git("rev-parse", `${good}^{commit}`), await git("rev-parse", "HEAD"));
    assert.match(await git("tag", "--list", "--format=%(taggername)", good), /^octocat\n$/);
  });

  it("rollback brings the traffic back, and pushes commit and tag past what others pushed", async () => {
    await pushAsSomebodyElse();
    passed(await runsJob("rollback", "rollback", asked("1")));
    assert.deepEqual(standIns.calls, connected);
    assert.equal(await liveSplit("frontend"), "legacy 100");

    const log = await git("--git-dir", remote, "log", "--format=%an: %s", "main");
    assert.match(log, /^octocat: frontend: rollback to legacy 100$/m);
    assert.match(log, /^somebody else: Words$/m);
    const tags = (await git("--git-dir", remote, "tag", "--list", `good/${stackName}/*`)).trim().split("\n");
    assert.equal(tags.length, 2);
    for (const tag of tags) {
      await git("--git-dir", remote, "merge-base", "--is-ancestor", `${tag}^{commit}`, "main");
    }
  });

  it("rollback of level 2 leaves the workflows, which GitHub lets no workflow push, and says so", async () => {
    const [good = ""] = (await git("tag", "--list", "--sort=-refname", `good/${stackName}/*`)).split("\n");
    fs.appendFileSync(path.join(checkout, "package-lock.json"), "\n");
    fs.appendFileSync(path.join(checkout, ".github", "workflows", "drift.yml"), "# Later.\n");
    await commitSplits(["frontend", split("legacy 50 / blue 50")]);
    await git("push", "--quiet", "origin", "main");
    passed(await runsJob("update", "staging"));

    env["GITHUB_ACTIONS"] = "true";
    const job = await runsJob("rollback", "rollback", asked("2", good));
    delete env["GITHUB_ACTIONS"];
    assert.deepEqual(
      job.steps.filter(({ outcome }) => outcome === "failure").map(({ step }) => step),
      ["Roll back"],
    );
    const { output = "" } = job.steps.find(({ step }) => step === "Roll back") ?? {};
    assert.match(
      output,
      /left as they are, because GitHub lets no workflow push them: \.github\/workflows\/drift\.yml/,
    );
    assert.match(output, /installed the packages of package-lock\.json \(npm ci\)/);
    assert.equal(await liveSplit("frontend"), "legacy 100");
    assert.equal(
      await git("--git-dir", remote, "diff", "--name-only", good, "main"),
      // And what somebody else pushed, which is nothing that a rollback takes back.
      ".github/workflows/drift.yml\nREADME.md\n",
    );
  });

  it("rollback of level 3 wants the stack's name", async () => {
    const wrong = await runsJob("rollback", "rollback", asked("3", "", "prod"));
    assert.ok(!wrong.passed);
    passed(await runsJob("rollback", "rollback", asked("3", "", stackName)));
    assert.equal(await liveSplit("frontend"), "legacy 100");
  });

  it("drift says nothing, then opens an issue, then closes it", async () => {
    const issues = "repos/pyairtable/platform/issues";
    const none = passed(await runsJob("drift", "drift"));
    assert.equal(none.results.get("steps.look.outputs.drift"), "false");
    assert.deepEqual(standIns.calls, [...connected, `gh GET ${issues}?state=open`]);

    await kubectl(await tools(), [...["-n", "pyairtable", "delete", "poddisruptionbudget", "frontend-blue"]]);
    const some = passed(await runsJob("drift", "drift"));
    assert.equal(some.results.get("steps.look.outputs.drift"), "true");
    assert.equal(standIns.calls.at(-1), `gh POST ${issues} title=Drift: local`);
    assert.match(standIns.body, /^<!-- drift: local -->\n[^]*PodDisruptionBudget/);

    succeeded(await start.up({ refresh: true }));
    standIns.answer({ listed: "5 <!-- drift: local -->\n" });
    const gone = passed(await runsJob("drift", "drift"));
    assert.equal(gone.results.get("steps.look.outputs.drift"), "false");
    assert.equal(standIns.calls.at(-1), `gh PATCH ${issues}/5 state=closed state_reason=completed`);
  });
});

/** What somebody fills in. */
function asked(level: string, tag = "", confirm = ""): Readonly<Record<string, string>> {
  return {
    ...{ "inputs.level": level, "inputs.target": "frontend" },
    ...{ "inputs.tag": tag, "inputs.confirm": confirm },
    ...{ "inputs.keepTraffic": "", "inputs.because": "" },
  };
}

const statusSchema = z.object({
  targets: z.array(
    z.object({
      target: z.string(),
      split: z.object({ legacy: z.number(), blue: z.number(), green: z.number() }),
    }),
  ),
});

function passed(job: JobRun): JobRun {
  assert.ok(
    job.passed,
    job.steps.map(({ step, outcome, output }) => `${step}: ${outcome}\n${output}`).join("\n"),
  );
  return job;
}

/** In the copy, as whoever wrote the change. */
function git(...args: readonly string[]): Promise<string> {
  return gitIn(checkout, "an engineer", args);
}

async function commitSplits(...moves: readonly (readonly [RoutedTargetName, Split])[]): Promise<void> {
  const file = path.join(checkout, `Pulumi.${stackName}.yaml`);
  const text = moves.reduce(
    (edited, [target, wanted]) => setTraffic(edited, target, wanted),
    fs.readFileSync(file, "utf8"),
  );
  fs.writeFileSync(file, text);
  await git("commit", "--quiet", "--all", "--message", moves.map(([target]) => target).join(", "));
}

async function pushAsSomebodyElse(): Promise<void> {
  const other = path.join(site, "other");
  await run("git", ["clone", "--quiet", remote, other]);
  fs.appendFileSync(path.join(other, "README.md"), "\nWords.\n");
  await gitIn(other, "somebody else", ["commit", "--quiet", "--all", "--message", "Words"]);
  await gitIn(other, "somebody else", ["push", "--quiet", "origin", "main"]);
}
