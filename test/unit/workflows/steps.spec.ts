import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { checkoutDir } from "../../../local/paths";
import { type Job, jobOf } from "../../support/workflow";
import { type JobRun, bash, runJob } from "../../support/workflowRun";
import { StandIns } from "../../support/standIns";

/** A job with the one step of that name. */
function only(job: Job, name: string): Job {
  const steps = job.steps.filter((step) => step.name === name);
  assert.equal(steps.length, 1, name);
  return { ...job, env: {}, steps };
}

describe("steps of the workflows", () => {
  let temp: string;
  let standIns: StandIns;

  beforeEach(() => {
    temp = fs.mkdtempSync(path.join(os.tmpdir(), "workflow-steps-"));
    standIns = new StandIns(temp, process.env["PATH"] ?? "");
  });

  afterEach(() => {
    fs.rmSync(temp, { recursive: true, force: true });
  });

  const github = {
    GITHUB_SERVER_URL: "https://github.example",
    GITHUB_REPOSITORY: "pyairtable/platform",
    GITHUB_RUN_ID: "77",
    GITHUB_SHA: "a".repeat(40),
    GITHUB_REF_NAME: "main",
  };

  const run = (job: Job, stack: string, values: Readonly<Record<string, string>>): Promise<JobRun> =>
    runJob(job, {
      cwd: checkoutDir,
      temp,
      env: { ...process.env, ...github, ...standIns.env, PULUMI_STACK: stack },
      values: { "github.token": "t", ...values },
    });

  const script = (
    name: string,
    args: string,
    env: Readonly<Record<string, string>>,
  ): ReturnType<typeof bash> =>
    bash(`.github/scripts/${name} ${args}`, checkoutDir, {
      ...process.env,
      ...github,
      ...standIns.env,
      ...env,
    });

  const leave = (file: string, text: string): void => fs.writeFileSync(path.join(temp, file), text);

  describe("of a preview", () => {
    const job = only(jobOf("preview", "preview"), "Comment");
    const comment = (preview: string, plan: string): Promise<JobRun> =>
      run(job, "prod", {
        "github.event.pull_request.number": "7",
        "steps.preview.outcome": preview,
        "steps.plan.outcome": plan,
      });
    const comments = "repos/pyairtable/platform/issues/7/comments";

    it("comment with the plan, then with the preview", async () => {
      leave("preview.txt", "130 unchanged");
      leave("plan.md", "# Plan\n- [ ] **frontend**: P0, legacy, legacy 100\n");
      const { passed, steps } = await comment("success", "success");
      assert.ok(passed, steps[0]?.output);
      assert.deepEqual(standIns.calls, [`gh GET ${comments}`, `gh POST ${comments}`]);
      assert.match(
        standIns.body,
        /^<!-- preview: prod -->\n### Preview of prod: success\n\n# Plan\n[^]*<details>[^]*\n130 unchanged\n~~~~~~\n/,
      );
      assert.match(standIns.body, /\(https:\/\/github\.example\/pyairtable\/platform\/actions\/runs\/77\)/);
    });

    it("update the stack's own comment, and no other", async () => {
      leave("preview.txt", "");
      leave("plan.md", "");
      standIns.answer({ listed: "40 <!-- preview: staging -->\n41 <!-- preview: prod -->\n42 Thanks!\n" });
      assert.ok((await comment("success", "success")).passed);
      assert.deepEqual(standIns.calls, [
        `gh GET ${comments}`,
        "gh PATCH repos/pyairtable/platform/issues/comments/41",
      ]);
    });

    it("say first why a preview failed, and what the plan says all the same", async () => {
      leave("preview.txt", `${"x".repeat(100_000)}\nfound 140, expected 100`);
      leave("plan.md", "# Plan\n");
      await comment("failure", "success");
      assert.match(
        standIns.body,
        /prod: failure\n\n\n~~~~~~text\nx+\nfound 140, expected 100\n~~~~~~\n\n# Plan\n/,
      );
      assert.ok(standIns.body.length < 65_536);
    });

    it("say why there is no plan, and where to look when nothing was previewed", async () => {
      leave("plan.txt", "found no kubeconfig");
      await comment("skipped", "failure");
      assert.match(standIns.body, /A step before the preview failed: \[see the run\][^]*found no kubeconfig/);
    });
  });

  describe("after the previews", () => {
    const previewed = (stacks: string, preview: string, isFork: boolean): Promise<JobRun> =>
      run(jobOf("preview", "previewed"), "none", {
        "needs.affected.outputs.stacks": stacks,
        "needs.preview.result": preview,
        "github.event.pull_request.head.repo.full_name != github.repository": String(isFork),
      });

    for (const [stacks, preview, isFork, passes, says] of [
      ["[]", "skipped", true, true, /No stack is affected/],
      ['["prod"]', "success", false, true, /^$/],
      ['["prod"]', "failure", false, false, /found the preview of \["prod"\]: failure, expected success/],
      ['["prod"]', "cancelled", false, false, /cancelled/],
      ['["prod"]', "skipped", true, false, /A fork gets no credentials/],
      ["", "skipped", false, false, /skipped, expected success/],
    ] as const) {
      it(`${passes ? "pass" : "fail"} with ${stacks || "no answer"}, ${preview}${isFork ? ", from a fork" : ""}`, async () => {
        const { passed, steps } = await previewed(stacks, preview, isFork);
        assert.equal(passed, passes);
        assert.match(steps[0]?.output ?? "", says);
      });
    }
  });

  describe("of every job with a stack", () => {
    const env = { PULUMI_STACK: "prod", EKS_CLUSTER: "one", PULUMI_BACKEND_URL: "s3://state" };

    beforeEach(() => {
      // Before all else on PATH.
      leave("pulumi", '#!/usr/bin/env bash\necho "pulumi $*" >>"$CALLS"\n');
      fs.chmodSync(path.join(temp, "pulumi"), 0o755);
    });

    it("connect to the context of the stack file, and log in to the state", async () => {
      const PATH = [temp, standIns.env["PATH"]].join(path.delimiter);
      const { code, output } = await script("connect.sh", "", { ...env, PATH });
      assert.equal(code, 0, output);
      assert.deepEqual(standIns.calls, [
        "aws eks update-kubeconfig --name one --alias pyairtable-production",
        "pulumi login s3://state",
      ]);
    });

    for (const name of Object.keys(env)) {
      it(`refuse to connect without ${name}`, async () => {
        const { code, output } = await script("connect.sh", "", { ...env, [name]: "" });
        assert.notEqual(code, 0);
        assert.match(output, new RegExp(`${name}: found none, expected`));
        assert.deepEqual(standIns.calls, []);
      });
    }
  });

  describe("before an update", () => {
    it("go on when nothing came later, or nothing for this stack", async () => {
      for (const compared of ["", "docs/ci.md\nPulumi.staging.yaml\n"]) {
        standIns.answer({ compared });
        const { code, output } = await script("newest.sh", "", { PULUMI_STACK: "prod" });
        assert.equal(code, 0, output);
        assert.deepEqual(standIns.calls, [
          `gh GET repos/pyairtable/platform/compare/${"a".repeat(40)}...main`,
        ]);
      }
    });

    it("refuse to take back what came later", async () => {
      standIns.answer({ compared: "docs/ci.md\nPulumi.prod.yaml\n" });
      const { code, output } = await script("newest.sh", "", { PULUMI_STACK: "prod" });
      assert.equal(code, 1);
      assert.match(
        output,
        /::error::main has moved on since a+: found later changes that affect prod, expected none/,
      );
    });
  });

  describe("of a rollback", () => {
    const job = only(jobOf("rollback", "rollback"), "Push what is not pushed yet");
    const git = (folder: string, ...args: readonly string[]): string =>
      execFileSync("git", ["-C", path.join(temp, folder), ...args], {
        encoding: "utf8",
        env: gitEnv,
        stdio: "pipe",
      }).trim();
    const gitEnv = {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      ...{ GIT_AUTHOR_NAME: "octocat", GIT_AUTHOR_EMAIL: "octocat@localhost" },
      ...{ GIT_COMMITTER_NAME: "octocat", GIT_COMMITTER_EMAIL: "octocat@localhost" },
    };
    const commit = (folder: string, file: string, text: string): void => {
      fs.writeFileSync(path.join(temp, folder, file), text);
      git(folder, "add", file);
      git(folder, "commit", "--quiet", "--message", `${file}: ${text}`);
    };
    const push = (): Promise<JobRun> =>
      runJob(job, { cwd: path.join(temp, "runner"), temp, env: { ...gitEnv, ...standIns.env } });

    beforeEach(() => {
      git(".", "init", "--quiet", "--bare", "--initial-branch=main", "remote");
      git(".", "clone", "--quiet", "remote", "runner");
      commit("runner", "Pulumi.prod.yaml", "blue 100");
      git("runner", "push", "--quiet", "origin", "HEAD:main");
      git(".", "clone", "--quiet", "remote", "other");
      commit("runner", "Pulumi.prod.yaml", "legacy 100");
      git("runner", "tag", "--annotate", "--message", "verified", "good/prod/now");
    });

    for (const [level, tag, typed, asked = {}] of [
      ["1", "", "frontend --stack prod"],
      [
        "1",
        "",
        "frontend --because Errors of frontend/blue --stack prod",
        { "inputs.because": "Errors of frontend/blue" },
      ],
      ["2", "", "--level 2 --keep-traffic --yes --stack prod", { "inputs.keepTraffic": "true" }],
      ["2", "", "--level 2 --yes --stack prod", { "inputs.keepTraffic": "false" }],
      ["2", "", "--level 2 --yes --stack prod"],
      ["2", "good/prod/then", "--level 2 --to good/prod/then --yes --stack prod"],
      ["3", "", "--level 3 --confirm prod --stack prod"],
    ] as const) {
      it(`type cutover rollback ${typed}`, async () => {
        leave("npx", '#!/usr/bin/env bash\necho "npx $*"\n');
        fs.chmodSync(path.join(temp, "npx"), 0o755);
        const PATH = [temp, standIns.env["PATH"]].join(path.delimiter);
        const { passed, steps } = await runJob(only(jobOf("rollback", "rollback"), "Roll back"), {
          cwd: checkoutDir,
          temp,
          env: { ...process.env, ...standIns.env, PATH, PULUMI_STACK: "prod" },
          values: {
            ...{ "inputs.level": level, "inputs.target": "frontend" },
            ...{ "inputs.tag": tag, "inputs.confirm": "prod" },
            ...{ "inputs.keepTraffic": "", "inputs.because": "" },
            ...asked,
          },
        });
        assert.ok(passed, steps[0]?.output);
        assert.equal(steps[0]?.output, `npx --no cutover rollback ${typed}\n`);
      });
    }

    it("push commit and tag past what others pushed meanwhile", async () => {
      commit("other", "README.md", "words");
      git("other", "push", "--quiet", "origin", "HEAD:main");
      const { passed, steps } = await push();
      assert.ok(passed, steps[0]?.output);
      assert.equal(git("remote", "show", "main:Pulumi.prod.yaml"), "legacy 100");
      assert.equal(git("remote", "show", "main:README.md"), "words");
      assert.equal(git("remote", "show", "good/prod/now^{commit}:Pulumi.prod.yaml"), "legacy 100");
    });

    it("do nothing when the command has pushed already", async () => {
      git("runner", "push", "--quiet", "--follow-tags", "origin", "HEAD:main");
      const before = git("remote", "rev-parse", "main");
      assert.ok((await push()).passed);
      assert.equal(git("remote", "rev-parse", "main"), before);
    });

    it("fail when somebody moved the same traffic, and leave theirs as it is", async () => {
      commit("other", "Pulumi.prod.yaml", "green 100");
      git("other", "push", "--quiet", "origin", "HEAD:main");
      assert.ok(!(await push()).passed);
      assert.equal(git("remote", "show", "main:Pulumi.prod.yaml"), "green 100");
    });
  });

  describe("of drift", () => {
    const job = only(jobOf("drift", "drift"), "Open, update or close the issue");
    const tell = (drift: boolean): Promise<JobRun> =>
      run(job, "prod", { "steps.look.outputs.drift": String(drift) });
    const issues = "repos/pyairtable/platform/issues";

    beforeEach(() => {
      leave("routes.md", "- **frontend**: tampered: weights sum to 90; cutover reconcile frontend\n");
      leave("preview.txt", "1 to update");
    });

    it("open an issue", async () => {
      assert.ok((await tell(true)).passed);
      assert.deepEqual(standIns.calls, [
        `gh GET ${issues}?state=open`,
        `gh POST ${issues} title=Drift: prod`,
      ]);
      assert.match(standIns.body, /^<!-- drift: prod -->\n[^]*tampered: weights[^]*1 to update/);
    });

    it("update the one that is open", async () => {
      standIns.answer({ listed: "5 <!-- drift: prod -->\n" });
      await tell(true);
      assert.deepEqual(standIns.calls, [`gh GET ${issues}?state=open`, `gh PATCH ${issues}/5`]);
    });

    it("close it when there is none any more, and leave others alone", async () => {
      standIns.answer({ listed: "5 <!-- drift: prod -->\n6 <!-- drift: staging -->\n" });
      await tell(false);
      assert.deepEqual(standIns.calls, [
        `gh GET ${issues}?state=open`,
        `gh PATCH ${issues}/5 state=closed state_reason=completed`,
      ]);
      standIns.answer({ listed: "6 <!-- drift: staging -->\n" });
      await tell(false);
      assert.deepEqual(standIns.calls, [`gh GET ${issues}?state=open`]);
    });
  });

  describe("that look for drift", () => {
    const job = only(jobOf("drift", "drift"), "Look at all resources");
    const route = { target: "docs", drift: null, driftText: null, command: null, heldBackBy: "nothing" };
    const drifted = {
      ...route,
      drift: "tampered",
      driftText: "weights sum to 90",
      command: "cutover reconcile docs",
    };

    for (const [what, code, target, expected] of [
      ["none when nothing would change", 0, route, "false"],
      ["some when something would change", 7, route, "true"],
      ["some when a route has, and the program refuses to run", 255, drifted, "true"],
      ["some when a route has, and nothing would change", 0, drifted, "true"],
      ["nothing when the preview itself fails", 255, route, undefined],
    ] as const) {
      it(`find ${what}`, async () => {
        leave("status.json", JSON.stringify({ targets: [target] }));
        leave("pulumi", `#!/usr/bin/env bash\necho "pulumi $*"\nexit ${code}\n`);
        fs.chmodSync(path.join(temp, "pulumi"), 0o755);
        const PATH = [temp, standIns.env["PATH"]].join(path.delimiter);
        const env = { ...process.env, ...github, ...standIns.env, PATH, PULUMI_STACK: "prod" };
        const { passed, results, steps } = await runJob(job, { cwd: checkoutDir, temp, env });
        assert.equal(results.get("steps.look.outputs.drift"), expected);
        assert.equal(passed, expected !== undefined, steps[0]?.output);
        const said = fs.readFileSync(path.join(temp, "routes.md"), "utf8");
        assert.equal(
          said,
          target.drift === null ? "" : "- **docs**: tampered: weights sum to 90; cutover reconcile docs\n",
        );
        assert.match(
          steps[0]?.output ?? "",
          /pulumi preview --expect-no-changes --refresh --stack prod --color never/,
        );
      });
    }
  });
});
