import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { catalogEntry, routedTargets } from "../../../catalog";
import { levels } from "../../../cutover/budget";
import { checkoutDir } from "../../../local/paths";
import packageJson from "../../../package.json";
import {
  type Job,
  type Step,
  jobOf,
  readWorkflow,
  workflowNames,
  workflowText,
} from "../../support/workflow";

const jobs: readonly (readonly [name: string, job: Job])[] = workflowNames.flatMap((workflow) =>
  Object.entries(readWorkflow(workflow).jobs).map(([name, job]) => [`${workflow}.${name}`, job] as const),
);
const steps: readonly (readonly [name: string, step: Step])[] = jobs.flatMap(([name, job]) =>
  job.steps.map((step) => [`${name}: ${step.name ?? step.uses ?? ""}`, step] as const),
);

function usesOf({ steps: all }: Job, action: string): Step[] {
  return all.filter(({ uses }) => uses?.startsWith(`${action}@`) === true);
}

function runsIn({ steps: all }: Job): string {
  return all.map(({ run }) => run ?? "").join("\n");
}

/** Of a job: what it writes to. */
const writing = jobs.filter(([, job]) => /pulumi up|cutover (update|rollback|read-only)/.test(runsIn(job)));

describe("the workflows", () => {
  it("are these", () => {
    assert.deepEqual([...workflowNames].sort(), [
      "drift",
      "pin",
      "preview",
      "read-only",
      "rollback",
      "service",
      "update",
    ]);
  });

  it("give no permission to all jobs, and to each what it needs", () => {
    for (const name of workflowNames) assert.deepEqual(readWorkflow(name).permissions, {}, name);
    assert.deepEqual(Object.fromEntries(jobs.map(([name, { permissions }]) => [name, permissions])), {
      "drift.drift": { contents: "read", "id-token": "write", issues: "write" },
      "pin.pin": { contents: "read", "id-token": "write" },
      "preview.affected": { contents: "read" },
      "preview.preview": { contents: "read", "id-token": "write", "pull-requests": "write" },
      "preview.previewed": {},
      "read-only.protect": { contents: "write", "id-token": "write" },
      "rollback.rollback": { contents: "write", "id-token": "write" },
      "service.accept": {},
      "service.check": { contents: "read" },
      "service.image": { contents: "read", "id-token": "write" },
      "service.integrate": { contents: "read", "id-token": "write" },
      "service.pin": {},
      "update.production": { contents: "write", "id-token": "write" },
      "update.staging": { contents: "write", "id-token": "write" },
    });
  });

  it("pin every action by its commit, with the version beside it, and each in one version", () => {
    const pins = workflowNames.flatMap((name) =>
      workflowText(name)
        .split("\n")
        .filter((line) => /\buses:/.test(line))
        .map((line) => {
          const pin = /uses: ([\w-]+\/[\w-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)$/.exec(line);
          assert.ok(pin, `${name}: found ${line.trim()}, expected a commit of 40 digits and # vX.Y.Z`);
          return { action: pin[1] ?? "", pin: pin.slice(2).join(" ") };
        }),
    );
    const actions = [...new Set(pins.map(({ action }) => action))].sort();
    assert.deepEqual(actions, [
      "actions/checkout",
      "actions/create-github-app-token",
      "actions/setup-node",
      "aws-actions/configure-aws-credentials",
      "pulumi/actions",
    ]);
    assert.equal(new Set(pins.map(({ action, pin }) => `${action} ${pin}`)).size, actions.length);
  });

  it("install the CLI that the project pins, and one Node that it allows", () => {
    const versions = (action: string, input: string): unknown[] => [
      ...new Set(jobs.flatMap(([, job]) => usesOf(job, action).map((step) => step.with?.[input]))),
    ];
    assert.deepEqual(versions("pulumi/actions", "pulumi-version"), [
      packageJson.dependencies["@pulumi/pulumi"],
    ]);
    const [node, ...others] = versions("actions/setup-node", "node-version");
    assert.match(String(node), /^20\.(19|[2-9]\d)\.\d+$/);
    assert.deepEqual(others, []);
  });

  it("end every job by a clock, on a machine that is named", () => {
    for (const [name, job] of jobs) {
      assert.ok((job["timeout-minutes"] ?? 0) > 0, `${name}: found no timeout-minutes`);
      assert.match(job["runs-on"], /^ubuntu-\d\d\.\d\d$/, name);
    }
  });

  it("put nothing into a shell but by its environment", () => {
    for (const [name, { run }] of steps) assert.doesNotMatch(run ?? "", /\$\{\{/, name);
  });

  it("hold no secret but the key of the app that pins: whoever needs an identity asks AWS for it", () => {
    for (const name of workflowNames) {
      const used = new Set([...workflowText(name).matchAll(/\bsecrets\.(\w+)/g)].map(([, secret]) => secret));
      assert.deepEqual([...used], ["pin", "service"].includes(name) ? ["PIN_APP_KEY"] : [], name);
    }
    for (const [name, job] of jobs) {
      const asks = usesOf(job, "aws-actions/configure-aws-credentials").length;
      assert.equal(asks, job.permissions["id-token"] === "write" ? 1 : 0, name);
    }
  });

  it("keep git's credentials only where something is pushed", () => {
    for (const [name, job] of jobs) {
      // What it has verified is tagged.
      const pushes = /git push|cutover (update|rollback|read-only)/.test(runsIn(job));
      const checkouts = usesOf(job, "actions/checkout");
      for (const checkout of checkouts) assert.equal(checkout.with?.["persist-credentials"], pushes, name);
      // The app's pushes need none of the job's own.
      const isApp = checkouts.some((checkout) => checkout.with?.["token"] !== undefined);
      assert.equal(job.permissions["contents"] === "write", pushes && !isApp, name);
    }
  });

  it("run no pull request's program with the right to change a stack", () => {
    assert.deepEqual(
      writing.map(([name]) => name),
      ["read-only.protect", "rollback.rollback", "update.staging", "update.production"],
    );
    for (const [name, job] of jobs) {
      const isWriting = writing.some(([other]) => other === name);
      const role = JSON.stringify([job.env, usesOf(job, "aws-actions/configure-aws-credentials")]);
      assert.equal(role.includes("AWS_UPDATE_ROLE"), isWriting, name);
      assert.equal(job.environment !== undefined, isWriting || name === "service.accept", name);
    }
    for (const name of workflowNames) assert.ok(!("pull_request_target" in readWorkflow(name).on), name);
  });

  it("never cancel what changes a stack; only a preview may be", () => {
    for (const [name, { concurrency }] of writing)
      assert.equal(concurrency?.["cancel-in-progress"], false, name);
    const cancelled = jobs.filter(([, { concurrency }]) => concurrency?.["cancel-in-progress"] === true);
    assert.deepEqual(
      cancelled.map(([name]) => name),
      ["preview.preview"],
    );
  });

  it("let no rollback wait for an update or for another target's", () => {
    const groups = jobs.map(([, { concurrency }]) => concurrency?.group);
    const { group } = jobOf("rollback", "rollback").concurrency ?? { group: "" };
    assert.equal(group, "rollback-${{ inputs.stack }}-${{ inputs.level }}-${{ inputs.target }}");
    assert.equal(groups.filter((other) => other === group).length, 1);
  });

  it("update staging first, and production only behind its environment", () => {
    assert.equal(jobOf("update", "staging").environment, "staging");
    const production = jobOf("update", "production");
    assert.equal(production.environment, "production");
    assert.equal(production.needs, "staging");
    assert.equal(production.env["PULUMI_STACK"], "prod");
    assert.deepEqual(production.steps, jobOf("update", "staging").steps);
  });

  it("change a stack from main only", () => {
    const guard = "github.ref == 'refs/heads/main'";
    for (const [name, job] of writing) assert.equal(job.if ?? jobOf("update", "staging").if, guard, name);
  });

  it("ask the policies in previews and updates", () => {
    assert.match(runsIn(jobOf("preview", "preview")), /npm run preview -- --stack "\$PULUMI_STACK"/);
    // `cutover update` asks them in its preview and in its update.
    assert.match(runsIn(jobOf("update", "staging")), /cutover update --yes /);
    assert.doesNotMatch(runsIn(jobOf("update", "staging")), /pulumi up/);
  });

  it("give a fork's pull request nothing", () => {
    assert.match(
      jobOf("preview", "preview").if ?? "",
      /&& github\.event\.pull_request\.head\.repo\.full_name == github\.repository$/,
    );
  });

  it("roll back every routed target and at every level, on every stack but the local one", () => {
    const choice = z.object({ type: z.literal("choice"), options: z.array(z.string()) });
    const { workflow_dispatch } = z
      .object({
        workflow_dispatch: z.object({ inputs: z.object({ level: choice, target: choice, stack: choice }) }),
      })
      .parse(readWorkflow("rollback").on);
    assert.deepEqual(workflow_dispatch.inputs.level.options, levels.map(String));
    assert.deepEqual(workflow_dispatch.inputs.target.options, routedTargets);
    assert.deepEqual(workflow_dispatch.inputs.stack.options, ["staging", "prod"]);
  });

  it("make any target read-only that may have a database, and none read-write", () => {
    const choice = z.object({ type: z.literal("choice"), options: z.array(z.string()) });
    const { workflow_dispatch } = z
      .object({ workflow_dispatch: z.object({ inputs: z.object({ target: choice, stack: choice }) }) })
      .parse(readWorkflow("read-only").on);
    const owners = routedTargets.filter((name) =>
      catalogEntry(name).stores.some((each) => each === "postgresql"),
    );
    assert.deepEqual(workflow_dispatch.inputs.target.options, owners);
    assert.deepEqual(workflow_dispatch.inputs.stack.options, ["staging", "prod"]);
    assert.match(runsIn(jobOf("read-only", "protect")), /cutover read-only "\$TARGET" /);
    for (const [name, job] of jobs) assert.doesNotMatch(runsIn(job), /--off\b/, name);
  });

  it("are set up by docs/ci.md and docs/service-pipeline.md, which name each variable and environment", () => {
    const docs = ["ci.md", "service-pipeline.md"]
      .map((page) => fs.readFileSync(path.join(checkoutDir, "docs", page), "utf8"))
      .join("\n");
    const variables = workflowNames.flatMap((name) =>
      [...workflowText(name).matchAll(/vars(?:\.(\w+)|\[format\('(\w+)_\{0\}')/g)].flatMap(([, one, each]) =>
        each === undefined ? [one ?? ""] : [`${each}_STAGING`, `${each}_PROD`],
      ),
    );
    const environments = jobs.flatMap(([, { environment }]) => environment ?? []);
    for (const name of new Set([...variables, ...environments])) {
      assert.ok(
        docs.includes(`\`${name}\``),
        `found no \`${name}\` in docs/ci.md or docs/service-pipeline.md`,
      );
    }
  });
});
