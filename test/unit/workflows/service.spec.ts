import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { routedTargets } from "../../../catalog";
import { checkoutDir } from "../../../local/paths";
import { type Job, jobOf, readWorkflow } from "../../support/workflow";
import { type JobRun, runJob } from "../../support/workflowRun";

const digest = `sha256:${"d".repeat(64)}`;
const image = "1.registry/pyairtable-docs";

describe("the pipeline of a service", () => {
  let repository: string;
  let temp: string;

  beforeEach(() => {
    temp = fs.mkdtempSync(path.join(os.tmpdir(), "service-"));
    repository = path.join(temp, "repository");
    fs.mkdirSync(repository);
    const targets = ["lint", "test", "integration", "end-to-end"];
    leave(
      "repository/Makefile",
      targets.map((name) => `${name}:\n\t@echo ran ${name} of $(IMAGE)\n`).join("") + performance,
    );
    leave("repository/performance-baseline.json", '{"meanLatencyMs": 100}');
    measured(100);
    command("docker", `case $1 in login) cat >/dev/null ;; inspect) echo "${image}@${digest}" ;; esac`);
    command("aws", 'case "$*" in *findings*) printf "None\\tNone\\n" ;; *password*) echo hunter2 ;; esac');
    command("gh", ":");
  });

  afterEach(() => fs.rmSync(temp, { recursive: true, force: true }));

  const performance = "performance:\n\t@cp measured.json performance.json\n";

  function leave(file: string, text: string): void {
    fs.writeFileSync(path.join(temp, file), text);
  }

  function measured(meanLatencyMs: unknown): void {
    leave("repository/measured.json", JSON.stringify({ meanLatencyMs }));
  }

  /** Stands in for a command that can't be had here: notes what it was asked. */
  function command(name: string, script: string): void {
    leave(name, `#!/usr/bin/env bash\necho "${name} $*" >>"$CALLS"\n${script}\n`);
    fs.chmodSync(path.join(temp, name), 0o755);
  }

  function calls(): readonly string[] {
    return fs.readFileSync(path.join(temp, "calls"), "utf8").split("\n").filter(Boolean);
  }

  function run(job: Job, IMAGE: string = image): Promise<JobRun> {
    leave("calls", "");
    return runJob(job, {
      cwd: repository,
      temp,
      env: {
        ...process.env,
        PATH: [temp, process.env["PATH"]].join(path.delimiter),
        CALLS: path.join(temp, "calls"),
        GITHUB_SHA: "c0ffee",
        GITHUB_REPOSITORY_OWNER: "pyairtable",
        GITHUB_STEP_SUMMARY: path.join(temp, "summary"),
        IMAGE,
      },
      values: { "inputs.target": "docs", "inputs.tag": "1.2", "steps.app.outputs.token": "t" },
    });
  }

  function outputOf({ steps }: JobRun, name: string): string {
    return steps.find(({ step }) => step === name)?.output ?? assert.fail(`no step ${name}`);
  }

  it("is called with a target, and with the key of the app that may ask for a pin", () => {
    const { workflow_call } = z
      .object({
        workflow_call: z.object({
          inputs: z.record(z.string(), z.unknown()),
          secrets: z.record(z.string(), z.unknown()),
        }),
      })
      .parse(readWorkflow("service").on);
    assert.deepEqual(Object.keys(workflow_call.inputs), ["target"]);
    assert.deepEqual(Object.keys(workflow_call.secrets), ["PIN_APP_KEY"]);
  });

  it("lints, tests and builds, on pull requests too", async () => {
    const found = await run(jobOf("service", "check"));
    assert.ok(found.passed);
    assert.match(outputOf(found, "Lint"), /ran lint/);
    assert.match(outputOf(found, "Test"), /ran test/);
    assert.deepEqual(calls(), ["docker build --tag candidate:c0ffee ."]);
    assert.equal(jobOf("service", "check").if, undefined);
  });

  it("pushes by digest from main, and scans what it pushed", async () => {
    const job = jobOf("service", "image");
    assert.equal(job.if, "github.ref == 'refs/heads/main'");
    const found = await run(job);
    assert.ok(found.passed, JSON.stringify(found.steps));
    assert.equal(found.results.get("steps.push.outputs.digest"), digest);
    assert.match(outputOf(found, "Scan"), /No critical or high finding/);
    // The password goes by stdin alone.
    assert.ok(!calls().some((call) => call.includes("hunter2")));
  });

  it("goes on with what was pushed before, when it is started again", async () => {
    command(
      "aws",
      `case "$*" in *findings*) printf "None\\tNone\\n" ;; *describe-images*) echo ${digest} ;; esac`,
    );
    const found = await run(jobOf("service", "image"));
    assert.ok(found.passed, JSON.stringify(found.steps));
    assert.equal(found.results.get("steps.push.outputs.digest"), digest);
    assert.ok(!calls().some((call) => call.startsWith("docker")));
  });

  for (const [what, answer] of [
    ["finds something critical", "1\\tNone"],
    ["finds something high", "0\\t3"],
    ["says nothing", "None"],
  ] as const) {
    it(`stops when the scan ${what}`, async () => {
      command("aws", `case "$*" in *findings*) printf "${answer}\\n" ;; esac`);
      const found = await run(jobOf("service", "image"));
      assert.ok(!found.passed);
      assert.match(
        outputOf(found, "Scan"),
        /::error::found critical and high findings in pyairtable-docs@sha256:d+: /,
      );
    });
  }

  it("tests the very image that was pushed", async () => {
    const found = await run(jobOf("service", "integrate"), `${image}@${digest}`);
    assert.ok(found.passed, JSON.stringify(found.steps));
    assert.match(outputOf(found, "Integration tests"), new RegExp(`ran integration of ${image}@${digest}`));
    assert.match(outputOf(found, "End-to-end tests"), /ran end-to-end of/);
    assert.ok(calls().includes(`docker pull ${image}@${digest}`));
  });

  it("holds its latency against the baseline, and stops above the plan's 20 %", async () => {
    for (const [mean, passes, says] of [
      [90, true, /mean latency 90 ms, baseline 100 ms: -10 %/],
      [120, true, /20 %/],
      [121, false, /::error::found a mean latency 21 % above the baseline, expected 20 % at most/],
      [0, false, /performance.json: found meanLatencyMs 0, expected milliseconds above 0/],
      ["fast", false, /found meanLatencyMs fast/],
    ] as const) {
      measured(mean);
      const found = await run(jobOf("service", "integrate"));
      assert.equal(found.passed, passes, String(mean));
      assert.match(outputOf(found, "Performance"), says);
    }
  });

  it("waits for the users' acceptance, then asks for a pull request that pins it in staging", async () => {
    assert.equal(jobOf("service", "accept").environment, "acceptance");
    assert.ok((await run(jobOf("service", "accept"))).passed);
    const order = ["check", "image", "integrate", "accept", "pin"];
    for (const [index, name] of order.slice(1).entries()) {
      assert.equal(jobOf("service", name).needs, order[index]);
    }
    const found = await run(jobOf("service", "pin"));
    assert.ok(found.passed, JSON.stringify(found.steps));
    assert.deepEqual(calls(), [
      "gh workflow run pin.yml --repo pyairtable/platform --ref main --raw-field target=docs --raw-field tag=c0ffee",
    ]);
  });

  describe("and its pin", () => {
    it("may be asked for every routed target", () => {
      const { workflow_dispatch } = z
        .object({
          workflow_dispatch: z.object({
            inputs: z.object({ target: z.object({ options: z.array(z.string()) }) }),
          }),
        })
        .parse(readWorkflow("pin").on);
      assert.deepEqual(workflow_dispatch.inputs.target.options, routedTargets);
    });

    const git = (...args: readonly string[]): void => {
      const identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
      execFileSync("git", ["-C", repository, ...identity, ...args], { stdio: "pipe" });
    };

    /** In a clone of a real remote; `cutover pin` itself is tested with a real registry. */
    async function open(): Promise<JobRun> {
      const { steps, ...job } = jobOf("pin", "pin");
      const last = steps.filter(({ name }) => name === "Open the pull request");
      return run({ ...job, env: {}, steps: last });
    }

    beforeEach(() => {
      execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", path.join(temp, "remote")]);
      git("init", "--quiet", "--initial-branch=main");
      git("remote", "add", "origin", path.join(temp, "remote"));
      git("add", ".");
      git("commit", "--quiet", "--message", "first");
      git("push", "--quiet", "origin", "main");
      git("switch", "--quiet", "--create", "pin/docs-1.2");
    });

    it("pushes a branch of its own, once, and opens one pull request", async () => {
      git("commit", "--quiet", "--allow-empty", "--message", "docs: blue is 1.2");
      command("gh", '[ "$2" != view ]');
      const found = await open();
      assert.ok(found.passed, JSON.stringify(found.steps));
      const [view, create] = calls();
      assert.equal(view, "gh pr view pin/docs-1.2");
      assert.match(create ?? "", /^gh pr create --base main --head pin\/docs-1.2 --title docs: blue is 1.2 /);
      command("gh", ":");
      assert.ok((await open()).passed);
      assert.deepEqual(calls(), ["gh pr view pin/docs-1.2"]);
    });

    it("opens none when staging has it already", async () => {
      const found = await open();
      assert.ok(found.passed);
      assert.match(outputOf(found, "Open the pull request"), /Nothing to pin/);
      assert.deepEqual(calls(), []);
    });
  });

  it("is explained, with what a repository must offer", () => {
    const docs = fs.readFileSync(path.join(checkoutDir, "docs", "service-pipeline.md"), "utf8");
    for (const name of ["lint", "test", "integration", "end-to-end", "performance"]) {
      assert.ok(docs.includes(`\`${name}\``), name);
    }
  });
});
