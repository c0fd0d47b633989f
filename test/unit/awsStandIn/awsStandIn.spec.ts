import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { AwsStandIn } from "../../support/awsStandIn";
import type { Kept } from "../../support/awsPlugin/account";

const account = "123456789012";
const stack = "trial";

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

/** A project of its own with `fixtures/program.js`, a stack in a folder backend, and the stand-in. */
class Trial {
  readonly aws: AwsStandIn;
  private readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "aws-stand-in-"));
  private readonly project = path.join(this.root, "project");
  private config: Readonly<Record<string, string>> = { repository: "pyairtable-docs", team: "platform" };

  constructor() {
    this.aws = new AwsStandIn(path.join(this.root, "aws"), account);
    fs.mkdirSync(path.join(this.root, "state"));
    fs.mkdirSync(this.project);
    const runtime = "runtime: { name: nodejs, options: { typescript: false } }";
    fs.writeFileSync(path.join(this.project, "Pulumi.yaml"), `name: trial\n${runtime}\nmain: program.js\n`);
    fs.writeFileSync(path.join(this.project, "package.json"), "{}");
    fs.copyFileSync(path.join(__dirname, "fixtures", "program.js"), path.join(this.project, "program.js"));
    fs.symlinkSync(path.join(__dirname, "../../../node_modules"), path.join(this.project, "node_modules"));
  }

  want(config: Readonly<Record<string, string>>): void {
    this.config = { ...this.config, ...config };
  }

  async init(): Promise<void> {
    assert.equal((await this.pulumi("stack", "init", stack)).code, 0);
  }

  async up(...args: string[]): Promise<Ended> {
    return this.run("up", "--yes", "--skip-preview", ...args);
  }

  /** Non-zero if an update would change anything. */
  async preview(...args: string[]): Promise<Ended> {
    return this.run("preview", "--diff", "--expect-no-changes", ...args);
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const { output } = await this.pulumi("stack", "output", "--json");
    return z.record(z.string(), z.unknown()).parse(JSON.parse(output));
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true });
  }

  private run(...args: string[]): Promise<Ended> {
    const config = Object.entries(this.config).flatMap(([name, value]) => ["--config", `${name}=${value}`]);
    return this.pulumi(...args, ...config);
  }

  private async pulumi(...args: string[]): Promise<Ended> {
    const startedAt = Date.now();
    const cli = String(process.env["PULUMI"]);
    const child = spawn(cli, [...args, "--non-interactive", "--color", "never"], {
      cwd: this.project,
      env: {
        ...process.env,
        PATH: [path.dirname(cli), process.env["PATH"]].join(path.delimiter),
        PULUMI_BACKEND_URL: `file://${path.join(this.root, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "trial",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_STACK: stack,
        ...this.aws.environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    await once(child, "close");
    return {
      code: child.exitCode ?? 1,
      output: (await stdout) + (await stderr),
      seconds: (Date.now() - startedAt) / 1000,
    };
  }
}

describe("the stand-in for AWS, on a real Pulumi CLI", function () {
  // Each of a test's commands starts the CLI, the program and the plugin.
  this.timeout(120_000);
  let trial: Trial;

  before(function () {
    if (process.env["PULUMI"] !== undefined) return;
    console.log("    skipped: PULUMI doesn't name a Pulumi CLI with its language host beside it");
    this.skip();
  });
  beforeEach(async () => {
    trial = new Trial();
    await trial.init();
  });
  afterEach(() => trial.remove());

  const updated = async (...args: string[]): Promise<Ended> => {
    const result = await trial.up(...args);
    assert.equal(result.code, 0, result.output);
    return result;
  };
  const refused = (result: Ended, message: RegExp): Ended => {
    assert.notEqual(result.code, 0, result.output);
    assert.match(result.output, message);
    return result;
  };
  const kept = (type: string): Kept => {
    const [found, ...more] = trial.aws.resources.filter((each) => each.type === type);
    assert.ok(found);
    assert.deepEqual(more, []);
    return found;
  };
  const repository = (): Kept => kept("aws:ecr/repository:Repository");

  it("shows in a preview what is wanted, nothing of what only AWS knows, and does nothing", async () => {
    const { output } = refused(await trial.preview(), /\+ aws:ecr\/repository:Repository: \(create\)/);
    assert.match(output, /name *: "pyairtable-docs"/);
    assert.match(output, /tags +: \{\s+key: \[unknown\]/);
    assert.deepEqual(trial.aws.takeCalls(), []);
    assert.deepEqual(trial.aws.resources, []);
  });

  it("makes what is wanted with ids, ARNs, names and default tags, and has nothing to do after that", async () => {
    await updated();
    const outputs = await trial.outputs();
    assert.deepEqual(
      [outputs.url, outputs.policy],
      ["123456789012.dkr.ecr.eu-central-1.amazonaws.com/pyairtable-docs", "pyairtable-docs"],
    );
    assert.match(String(outputs.bucket), /^copies-[0-9a-f]{7}$/);
    const arn = `arn:aws:kms:eu-central-1:123456789012:key/${String(outputs.key)}`;
    assert.deepEqual(outputs.tags, { stack: "trial", key: arn });
    trial.aws.takeCalls();

    const again = await trial.preview();
    assert.equal(again.code, 0, again.output);
    const refreshed = await trial.preview("--refresh");
    assert.equal(refreshed.code, 0, refreshed.output);
    assert.deepEqual([...new Set(trial.aws.takeCalls().map(({ operation }) => operation))], ["read"]);
  });

  it("changes in place what AWS changes in place, and replaces what it knows a resource by", async () => {
    await updated();
    const { key, bucket } = await trial.outputs();
    trial.aws.takeCalls();

    trial.want({ team: "another" });
    await updated();
    assert.deepEqual(trial.aws.takeCalls(), [
      { operation: "update", type: "aws:ecr/repository:Repository", name: "images" },
    ]);

    trial.want({ repository: "another" });
    refused(await trial.preview(), /\+-aws:ecr\/repository:Repository: \(replace\)/);
    await updated();
    assert.equal(repository().id, "another");
    assert.deepEqual(await trial.outputs().then((all) => [all.key, all.bucket]), [key, bucket]);
  });

  it("fails as AWS does, keeps what was made before, and a rerun makes the rest", async () => {
    trial.aws.fail({
      type: "aws:ecr/lifecyclePolicy:LifecyclePolicy",
      operation: "create",
      code: "AccessDenied",
      done: false,
    });
    refused(
      await trial.up(),
      /creating ECR LifecyclePolicy \(pyairtable-docs\): .* api error AccessDenied: User is not authorized/,
    );
    const made = repository();
    trial.aws.behaveWell();
    trial.aws.takeCalls();

    await updated();
    assert.deepEqual(repository(), made);
    const names = trial.aws.takeCalls().map(({ operation, name }) => `${operation} ${name}`);
    assert.deepEqual(
      names.filter((call) => /images|tidy/.test(call)),
      ["create tidy"],
    );
    assert.equal((await trial.preview()).code, 0);
  });

  it("can fail after it has made something: that is kept, and the rerun makes no second one", async () => {
    trial.aws.fail({
      type: "aws:ecr/repository:Repository",
      operation: "create",
      code: "RequestTimeout",
      done: true,
    });
    refused(await trial.up(), /api error RequestTimeout/);
    assert.equal(repository().id, "pyairtable-docs");
    trial.aws.behaveWell();

    await updated();
    assert.equal((await trial.preview()).code, 0);
  });

  it("refuses a second resource of one name", async () => {
    await updated();
    const { type, inputs, outputs } = repository();
    trial.aws.drift({ type, id: "another", inputs, outputs }, {});
    trial.want({ repository: "another" });
    refused(await trial.up(), /api error RepositoryAlreadyExists/);
  });

  it("refuses another account's credentials and such as have expired, each once, before it does anything", async () => {
    trial.aws.logIn("210987654321");
    const elsewhere = refused(await trial.up(), /AWS account ID not allowed: 210987654321/);
    trial.aws.behaveWell();
    trial.aws.refuse("ExpiredToken");
    const expired = refused(
      await trial.up(),
      /unable to validate AWS credentials[^]*api error ExpiredToken: The security token/,
    );
    for (const { output } of [elsewhere, expired])
      assert.equal(output.match(/^ {4}error: /gm)?.length, 1, output);
    assert.deepEqual(trial.aws.takeCalls(), []);
  });

  it("tells whose account it is", async () => {
    trial.want({ ask: "true" });
    await updated();
    assert.equal((await trial.outputs()).account, account);
  });
});
