import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { z } from "zod";
import { type Value, editStackFile } from "../../config/edit";
import { hasStaleLock, localEnvironment, stackName } from "../../local/environment";
import { checkoutDir, outDir } from "../../local/paths";
import { run } from "../../tools/child";
import type { Toolbox } from "../../tools/acquire";
import { withoutDatabase } from "../support/withoutDatabase";
import { startHttpStub } from "../unit/support/httpStub";
import { kubeconfig } from "../unit/support/kubeconfig";
import { stackOnLegacy, tools } from "./world";

/*
 * What a user may get wrong, against the real CLI and the real cluster. Each command is an `up`, because a preview
 * changes nothing anyway; it works on a copy of the local stack's state in a backend of its own.
 */
describe("Bad input", () => {
  let scratch: Scratch;

  before(async () => {
    scratch = await Scratch.create(await tools());
    if ((await scratch.liveRoutes()) === "") await stackOnLegacy("bad-input");
    await scratch.copyDeployment();
  });

  beforeEach(() => scratch.restore());

  after(() => scratch.remove());

  describe("in the stack file", () => {
    it("malformed YAML is refused with its line", async () => {
      scratch.edit((text) => text.replace(/^ {2}pyairtable:docs:$/m, "$& {blue: ["));
      const line = scratch.text.split("\n").findIndex((text) => text.includes("{blue: [")) + 1;
      const message = await scratch.refusal();
      const found = /^getting stack configuration: invalid YAML file: yaml: line (\d+): /.exec(message)?.[1];
      assert.ok(Math.abs(Number(found) - line) <= 1, `${message} (the mistake is in line ${line})`);
    });

    it("an unknown target is refused, with the one that was meant", async () => {
      scratch.edit((text) => text.replace("pyairtable:frontend:", "pyairtable:frontent:"));
      assertComplaints(await scratch.refusal(), [
        "pyairtable:frontend.traffic: found nothing, expected a map of percents: legacy, blue, green",
        /^pyairtable:frontent: found an unknown key, expected one of .*; did you mean pyairtable:frontend\?$/,
      ]);
    });

    it("an unknown key is refused, with the one that was meant", async () => {
      scratch.set("frontend", "capacty", 2);
      assertComplaints(await scratch.refusal(), [
        /^pyairtable:frontend\.capacty: found an unknown key, expected one of .*; did you mean pyairtable:frontend\.capacity\?$/,
      ]);
    });

    for (const weight of [33.3, -1, "50"]) {
      it(`a weight of ${JSON.stringify(weight)} is refused`, async () => {
        scratch.set("frontend", "traffic", { legacy: 50, blue: weight, green: 0 });
        assertComplaints(await scratch.refusal(), [
          `pyairtable:frontend.traffic.blue: found ${JSON.stringify(weight)}, expected an integer from 0 to 100`,
        ]);
      });
    }

    it("weights with a sum of 99 are refused", async () => {
      scratch.set("frontend", "traffic", { legacy: 89, blue: 10, green: 0 });
      assertComplaints(await scratch.refusal(), [
        "pyairtable:frontend.traffic: found a sum of 99 (legacy 89, blue 10, green 0), expected weights that sum to 100",
      ]);
    });

    it("traffic to a color without an image is refused", async () => {
      scratch.set("frontend", "traffic", { legacy: 90, blue: 0, green: 10 });
      assertComplaints(await scratch.refusal(), [
        "pyairtable:frontend.traffic: found 10 % for green, which has no image, expected 0 or an image under green",
      ]);
    });

    it("an image by tag is refused where digests are asked for", async () => {
      scratch.set("platform", "environment", "staging");
      scratch.edit((text) => withoutDatabase(text).replaceAll(":1.0.0", `@sha256:${"a".repeat(64)}`));
      scratch.set("frontend", "blue", "registry.example/frontend:1.0.0");
      assertComplaints(await scratch.refusal(), [
        'pyairtable:frontend.blue: found "registry.example/frontend:1.0.0", expected an image by digest (repository@sha256:…) in staging',
      ]);
    });

    it("two targets in flight are refused", async () => {
      scratch.set("frontend", "traffic", { legacy: 90, blue: 10, green: 0 });
      scratch.set("api-gateway", "traffic", { legacy: 90, blue: 10, green: 0 });
      const message = await scratch.refusal();
      assertComplaints(message, [
        "pyairtable:frontend.traffic (one-in-flight)",
        "pyairtable:api-gateway.traffic (one-in-flight)",
      ]);
      assert.match(message, /found: +legacy 90 \/ blue 10 while api-gateway is /);
      assert.match(message, /expected: one target in flight at a time/);
    });

    it("two mistakes at once are both named", async () => {
      scratch.set("frontend", "traffic", { legacy: 99, blue: 0, green: 0 });
      scratch.set("docs", "capacity", 0);
      assertComplaints(await scratch.refusal(), [
        "pyairtable:docs.capacity: found 0, expected an integer of 1 or more",
        "pyairtable:frontend.traffic: found a sum of 99 (legacy 99, blue 0, green 0), expected weights that sum to 100",
      ]);
    });
  });

  describe("around it", () => {
    it("a missing kubeconfig is refused, with the place where one was looked for", async () => {
      assert.equal(
        await scratch.refusal({ KUBECONFIG: scratch.noKubeconfig }),
        `found no kubeconfig at ${scratch.noKubeconfig}, expected one there or where KUBECONFIG says`,
      );
    });

    it("no cluster is refused, with the context and the address", async () => {
      // Port 1 is reserved: nobody listens.
      const KUBECONFIG = scratch.kubeconfig("http://127.0.0.1:1");
      assert.equal(
        await scratch.refusal({ KUBECONFIG }),
        "cluster test (http://127.0.0.1:1) can't be reached: connect ECONNREFUSED 127.0.0.1:1",
      );
    });

    it("a cluster without the Gateway API's CRDs is refused", async () => {
      const bare = await startHttpStub(() => undefined);
      try {
        assert.equal(
          await scratch.refusal({ KUBECONFIG: scratch.kubeconfig(bare.origin) }),
          `cluster test (${bare.origin}): found no HTTPRoute type, expected the Gateway API's standard CRDs (gateway.networking.k8s.io/v1) to be installed`,
        );
        assert.deepEqual(
          bare.asked.filter(({ method }) => method !== "GET"),
          [],
        );
      } finally {
        await bare.close();
      }
    });

    it("a missing passphrase is refused, with the variables that can hold it", async () => {
      const message = await scratch.refusal({
        KUBECONFIG: scratch.noKubeconfig,
        PULUMI_CONFIG_PASSPHRASE: undefined,
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      });
      assert.match(
        message,
        /passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE/,
      );
    });

    it("a locked stack is refused, and a lock is stale once its update has died", async () => {
      const holder = await scratch.startEndlessUpdate();
      try {
        assert.match(
          await scratch.refusal({ KUBECONFIG: scratch.noKubeconfig }),
          new RegExp(
            `^the stack is currently locked by 1 lock.*\`pulumi cancel\`.*\\(pid ${holder.pid}\\)`,
            "s",
          ),
        );
        assert.equal(scratch.hasStaleLock(), false);
      } finally {
        await holder.kill();
      }
      assert.equal(scratch.hasStaleLock(), true);
      await scratch.cancel();
      assert.equal(scratch.hasStaleLock(), false);
    });
  });
});

/** The lines that name a key of the stack file as the place of a mistake, compared with all that are expected. */
function assertComplaints(message: string, expected: readonly (string | RegExp)[]): void {
  const found = message.split("\n").map((line) => line.trim());
  const complaints = found.filter((line) => line.startsWith("pyairtable:"));
  assert.equal(complaints.length, expected.length, message);
  for (const wanted of expected) {
    const isThere = complaints.some((line) =>
      typeof wanted === "string" ? line === wanted : wanted.test(line),
    );
    assert.ok(isThere, `${String(wanted)} is missing in:\n${message}`);
  }
}

interface Running {
  readonly pid: number;
  /** Kills it as a crash would, with all that it started. */
  kill(): Promise<void>;
}

const stateSchema = z.object({
  checkpoint: z.object({
    latest: z.object({ resources: z.array(z.looseObject({ type: z.string() })).min(1) }),
  }),
});

/** A stack of the same name as the local one, in a folder of its own with its backend and its stack file. */
class Scratch {
  private readonly environment: NodeJS.ProcessEnv;

  private constructor(
    private readonly tools: Toolbox,
    readonly dir: string,
  ) {
    this.environment = {
      ...process.env,
      ...localEnvironment(tools),
      PULUMI_BACKEND_URL: `file://${this.backend}`,
    };
  }

  static async create(tools: Toolbox): Promise<Scratch> {
    const parent = path.join(outDir, "e2e");
    fs.mkdirSync(parent, { recursive: true });
    const scratch = new Scratch(tools, fs.mkdtempSync(path.join(parent, "bad-input-")));
    fs.mkdirSync(scratch.backend);
    await scratch.pulumi("stack", "init", stackName, "--no-select");
    return scratch;
  }

  /** Takes over what the local stack has deployed, as if this backend had done it. */
  async copyDeployment(): Promise<void> {
    const file = path.join(this.dir, "deployment.json");
    const local = { ...process.env, ...localEnvironment(this.tools) };
    await run(this.tools.path("pulumi"), ["stack", "export", "--file", file, "--stack", stackName], {
      cwd: checkoutDir,
      env: local,
    });
    await this.pulumi("stack", "import", "--file", file, "--stack", stackName);
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  get text(): string {
    return fs.readFileSync(this.stackFile, "utf8");
  }

  /** The stack file as in the checkout. */
  restore(): void {
    fs.copyFileSync(path.join(checkoutDir, `Pulumi.${stackName}.yaml`), this.stackFile);
  }

  edit(change: (text: string) => string): void {
    const edited = change(this.text);
    assert.notEqual(edited, this.text, "the edit changed nothing");
    fs.writeFileSync(this.stackFile, edited);
  }

  set(target: string, key: string, value: Value): void {
    this.edit((text) => editStackFile(text, ["config", `pyairtable:${target}`, key], value));
  }

  /** Nothing is there. Where the stack file is right, an update that isn't refused comes no further. */
  get noKubeconfig(): string {
    return path.join(this.dir, "no-kubeconfig");
  }

  /** A kubeconfig for `server`, as a file. */
  kubeconfig(server: string): string {
    const file = path.join(this.dir, "kubeconfig");
    fs.writeFileSync(file, JSON.stringify(kubeconfig(server)));
    return file;
  }

  /**
   * The one error that ends an `up` with the stack file as it is now; all of its lines.
   * @throws AssertionError if the update isn't refused, says more than that, or changes anything
   */
  async refusal(environment: NodeJS.ProcessEnv = {}): Promise<string> {
    const before = await this.world();
    const { code, output } = await this.end(this.startUpdate(environment));
    assert.notEqual(code, 0, output);
    assert.doesNotMatch(output, /^\s+at .*:\d+|node:internal|\.[jt]s:\d+/m, "a stack trace is shown");
    assert.deepEqual(await this.world(), before, output);
    const [error, ...more] = [...output.matchAll(/^ *error: (.*(?:\n .*)*)/gm)].map(
      ([, message = ""]) => message,
    );
    assert.ok(error !== undefined && more.length === 0, output);
    return error;
  }

  /** Name and version of each route, from the API server. */
  liveRoutes(): Promise<string> {
    const line = '{.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}';
    const args = ["get", "httproutes", "--all-namespaces", "-o", `jsonpath={range .items[*]}${line}{end}`];
    return run(this.tools.path("kubectl"), args, { env: this.environment });
  }

  /** An update that holds the stack's lock and waits for an answer of its cluster, which never comes. */
  async startEndlessUpdate(): Promise<Running> {
    const silent = http.createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    const child = this.startUpdate({ KUBECONFIG: this.kubeconfig(`http://127.0.0.1:${address.port}`) });
    const { pid } = child;
    assert.ok(pid !== undefined);
    const outcome = Promise.race([
      once(silent, "request").then(() => "waits"),
      once(child, "close").then(() => "ended"),
    ]);
    assert.equal(await outcome, "waits");
    return {
      pid,
      kill: async () => {
        const closed = once(child, "close");
        process.kill(-pid, "SIGKILL");
        await closed;
        silent.closeAllConnections();
        silent.close();
      },
    };
  }

  hasStaleLock(): boolean {
    return hasStaleLock(this.backend);
  }

  async cancel(): Promise<void> {
    await this.pulumi("cancel", "--yes", "--stack", stackName);
  }

  private get backend(): string {
    return path.join(this.dir, "backend");
  }

  private get stackFile(): string {
    return path.join(this.dir, `Pulumi.${stackName}.yaml`);
  }

  /** All that a refused update must leave as it is. */
  private async world(): Promise<object> {
    const stateFile = path.join(this.backend, ".pulumi", "stacks", "pyairtable", `${stackName}.json`);
    // Each time that it saves, the engine encrypts anew what is secret.
    const plain = (key: string, value: unknown): unknown => (key === "ciphertext" ? "" : value);
    const { latest } = stateSchema.parse(JSON.parse(fs.readFileSync(stateFile, "utf8"), plain)).checkpoint;
    return {
      routes: await this.liveRoutes(),
      stackFile: this.text,
      // The program's look at the stack's own outputs is noted each time that it looks.
      resources: latest.resources.filter(({ type }) => type !== "pulumi:pulumi:StackReference"),
    };
  }

  private pulumi(...args: string[]): Promise<string> {
    return run(this.tools.path("pulumi"), args, { cwd: checkoutDir, env: this.environment });
  }

  private startUpdate(environment: NodeJS.ProcessEnv): ChildProcess {
    const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"];
    return spawn(this.tools.path("pulumi"), [...args, "--config-file", this.stackFile], {
      cwd: checkoutDir,
      env: { ...this.environment, ...environment },
      // A group of its own, to be killed as one.
      detached: true,
    });
  }

  private async end(child: ChildProcess): Promise<{ code: number | null; output: string }> {
    let output = "";
    const take = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    await once(child, "close");
    return { code: child.exitCode, output };
  }
}
