import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setImmediate as immediate } from "node:timers/promises";
import { Engine, StackLocked, UpdateFailed, type UpdateProgress } from "../../../cutover/engine";
import { type UpdateLock, configuredBackend, readUpdateLock } from "../../../cutover/updateLock";
import { formatSplit } from "../../../migration";
import { PulumiProject, project as projectName, stack } from "./fixtures/pulumiProject";

function processGroup(pid: number): number {
  return Number(execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" }));
}

describe("the engine, on a real Pulumi CLI", function () {
  this.timeout(300_000);
  let project: PulumiProject;

  before(function () {
    if (process.env["PULUMI"] !== undefined) return;
    console.log("    skipped: PULUMI doesn't name a Pulumi CLI with its language host beside it");
    this.skip();
  });
  beforeEach(() => {
    project = new PulumiProject();
  });
  afterEach(() => project.remove());

  const lock = (): UpdateLock | undefined | "unreadable" =>
    readUpdateLock({ backendUrl: configuredBackend(project.projectDir), project: projectName, stack });
  /** Waits until an update has locked the stack, and resolves at once. */
  const locked = async (): Promise<UpdateLock> => {
    for (;;) {
      const found = lock();
      if (typeof found === "object") return found;
      await immediate();
    }
  };
  const update = (engine: Engine): Promise<unknown> => engine.update({ message: "a trial" });
  /** Begins an update whose program waits; resolves when that has been begun. */
  const beginWaiting = async (engine: Engine, signal?: AbortSignal): Promise<{ ended: Promise<unknown> }> => {
    project.act("wait");
    let begun = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const ended = engine.update({ message: "waits", onProgress: () => begun(), ...(signal && { signal }) });
    // Looked at by the test later on.
    ended.catch(() => undefined);
    await Promise.race([hasBegun, ended]);
    return { ended };
  };

  describe("update", () => {
    it("makes the stack what its config says, and counts what was done", async () => {
      const engine = await Engine.open(project.options);

      const first = await engine.update({ message: "the first" });
      const second = await engine.update({ message: "the second" });

      assert.deepEqual(first.changes, { create: 6 });
      assert.deepEqual(second.changes, { same: 6 });
      assert.deepEqual(second.warnings, []);
      assert.ok(second.seconds > 0.1 && second.seconds < 60);
      const [newest] = JSON.parse(project.pulumi("stack", "history", "--json", "--stack", stack)) as {
        message: string;
      }[];
      assert.equal(newest?.message, "the second");
    });

    it("tells its progress: of an unknown total first, then of as many resources as the stack has", async () => {
      const engine = await Engine.open(project.options);
      const seen: UpdateProgress[] = [];
      const onProgress = (progress: UpdateProgress): void => void seen.push(progress);

      await engine.update({ message: "the first", onProgress });
      const first = seen.splice(0);
      await engine.update({ message: "the second", onProgress, refresh: true });

      assert.ok(first.some(({ current }) => current === "creating part-c"));
      assert.deepEqual(first.at(-1), { done: 6, total: undefined });
      assert.ok(seen.every(({ total }) => total === 6));
      assert.ok(seen.some(({ current, done }) => current === "refreshing part-c" && done === 0));
      assert.deepEqual(seen.at(-1), { done: 6, total: 6 });
    });

    it("hands on what the program warns of", async () => {
      project.act("warn");
      const engine = await Engine.open(project.options);

      const { warnings } = await engine.update({ message: "a trial" });

      assert.deepEqual(warnings, ["the way back goes first"]);
    });

    it("fails with the program's own words", async () => {
      const engine = await Engine.open(project.options);
      project.act("refuse");

      await assert.rejects(update(engine), (error) => {
        assert.ok(error instanceof UpdateFailed);
        assert.equal(error.message, "pyairtable:frontend: found 90,\n  expected 100");
        return true;
      });
    });

    it("fails with an exception's message, without its stack", async () => {
      const engine = await Engine.open(project.options);
      project.act("throw");

      await assert.rejects(update(engine), { name: "UpdateFailed", message: "nobody caught this" });
    });

    it("names the resource that an error is about", async () => {
      const engine = await Engine.open(project.options);
      project.act("fail");

      await assert.rejects(update(engine), {
        name: "UpdateFailed",
        message: "part-c: 0 of 3 pods are ready",
      });
    });

    it("fails with the CLI's words when it didn't get as far as to run the program", async () => {
      const engine = await Engine.open(project.options);
      fs.writeFileSync(project.options.configFile, "config: [");

      await assert.rejects(update(engine), {
        name: "UpdateFailed",
        message:
          "getting stack configuration: invalid YAML file: yaml: line 1: did not find expected node content",
      });
    });
  });

  describe("preview", () => {
    it("says what an update would do, and does none of it", async () => {
      project.act("warn");
      const engine = await Engine.open(project.options);

      const { changes, warnings } = await engine.preview();

      assert.deepEqual(changes, { create: 6 });
      assert.deepEqual(warnings, ["the way back goes first"]);
      assert.equal((await Engine.open(project.options).then((each) => each.applied())).splits.size, 0);
    });

    it("fails as the update would", async () => {
      const engine = await Engine.open(project.options);
      project.act("refuse");

      await assert.rejects(engine.preview(), { name: "UpdateFailed", message: /found 90/ });
    });
  });

  describe("the stack's state", () => {
    it("knows the splits that were applied, secret ones too", async () => {
      const engine = await Engine.open(project.options);
      assert.equal((await engine.applied()).splits.size, 0);

      await update(engine);

      const applied = [...(await engine.applied()).splits].map(([target, split]) => [
        target,
        formatSplit(split),
      ]);
      assert.deepEqual(applied.sort(), [
        ["auth-service", "legacy 100"],
        ["frontend", "legacy 90 / blue 10"],
      ]);
    });

    /** @returns what an update was making when it was killed */
    async function killedWhileMaking(): Promise<string> {
      await update(await Engine.open(project.options));
      const urn = "urn:pulumi:trial::pyairtable::kubernetes:core/v1:Service::frontend-blue";
      project.editState((latest) => {
        const resource = { urn, custom: true, type: "kubernetes:core/v1:Service" };
        latest["pending_operations"] = [{ resource, type: "creating" }];
      });
      return urn;
    }

    it("names what a killed update had begun", async () => {
      const urn = await killedWhileMaking();

      const engine = await Engine.open(project.options);

      assert.deepEqual(await engine.pendingOperations(), [{ urn, type: "creating" }]);
    });

    it("has nothing begun any more after an update that looks first at what exists, and has made what is wanted", async () => {
      await killedWhileMaking();
      const engine = await Engine.open(project.options);

      const { changes } = await engine.update({ message: "again", refresh: true });

      assert.deepEqual(changes, { same: 6 });
      assert.deepEqual(await engine.pendingOperations(), []);
    });
  });

  describe("a stack that is locked", () => {
    it("refuses an update while another one runs, and says whose it is", async () => {
      const [first, second] = [await Engine.open(project.options), await Engine.open(project.options)];
      const { ended } = await beginWaiting(first);

      await assert.rejects(update(second), (error) => {
        assert.ok(error instanceof StackLocked);
        assert.match(error.message, /^the stack is currently locked by 1 lock/);
        return true;
      });
      const found = await locked();
      assert.equal(found.owner, "alive");
      assert.ok(Math.abs(found.since.getTime() - Date.now()) < 60_000);
      project.go();
      await ended;
      assert.equal(lock(), undefined);
    });

    it("stays locked by a killed update until its lock is broken, and then updates again", async () => {
      const engine = await Engine.open(project.options);
      const { ended } = await beginWaiting(engine);
      const { pid } = await locked();

      process.kill(pid, "SIGKILL");

      await assert.rejects(ended, { name: "UpdateFailed", message: /SIGKILL/ });
      assert.equal((await locked()).owner, "dead");
      assert.equal((await locked()).pid, pid);
      project.go();
      await assert.rejects(update(engine), StackLocked);
      await engine.breakLock();
      assert.equal(lock(), undefined);
      await update(engine);
    });
  });

  describe("interrupted", () => {
    it("ends while the program runs, with the signal's reason, and leaves no lock", async () => {
      const engine = await Engine.open(project.options);
      const interrupted = new AbortController();
      const { ended } = await beginWaiting(engine, interrupted.signal);

      interrupted.abort(new Error("Ctrl-C"));

      await assert.rejects(ended, { message: "Ctrl-C" });
      assert.equal(lock(), undefined);
      project.go();
      await update(engine);
    });

    it("would not hear a terminal's Ctrl-C itself: it runs in a process group of its own", async () => {
      const { ended } = await beginWaiting(await Engine.open(project.options));
      const { pid } = await locked();

      assert.equal(processGroup(pid), pid);

      project.go();
      await ended;
    });

    it("leaves no lock when it is interrupted the moment it has locked the stack", async () => {
      const engine = await Engine.open(project.options);
      project.act("wait");
      // The CLI can be killed by a signal for some milliseconds then: not every time would show it.
      for (let time = 0; time < 4; time += 1) {
        const interrupted = new AbortController();
        const ended = engine.update({ message: "waits", signal: interrupted.signal });
        await locked();

        interrupted.abort(new Error("Ctrl-C"));

        await assert.rejects(ended, { message: "Ctrl-C" });
        assert.equal(lock(), undefined);
      }
    });

    it("does not begin when it is interrupted already", async () => {
      const engine = await Engine.open(project.options);
      project.takeCalls();

      await assert.rejects(engine.preview({ signal: AbortSignal.abort(new Error("Ctrl-C")) }), {
        message: "Ctrl-C",
      });

      assert.deepEqual(project.takeCalls(), []);
    });

    it("leaves no lock when a terminal's Ctrl-C reaches the whole process group just after the stack is locked", async () => {
      project.act("wait");
      const { projectDir, configFile } = project.options;
      const script = path.join(__dirname, "fixtures", "interruptedUpdate.ts");
      const child = spawn(
        process.execPath,
        ["--require", "ts-node/register", script, projectDir, stack, configFile],
        { detached: true, stdio: ["ignore", "pipe", "inherit"] },
      );
      const [output, exit] = [text(child.stdout), once(child, "exit")];
      const { pid } = await locked();

      assert.ok(child.pid !== undefined);
      process.kill(-child.pid, "SIGINT");

      await exit;
      assert.equal((await output).trim(), "interrupted");
      assert.equal(lock(), undefined);
      assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    });
  });

  describe("the processes that it starts", () => {
    it("are two to open, one to update, one to read the state afterwards, one to preview", async () => {
      const commands = (): string[] => project.takeCalls().map((call) => call.replace(/ --.*/, ""));

      const engine = await Engine.open(project.options);
      assert.deepEqual(commands(), ["version", "stack export"]);

      await engine.applied();
      await update(engine);
      assert.deepEqual(commands(), ["up"]);

      await engine.applied();
      await engine.pendingOperations();
      assert.deepEqual(commands(), ["stack export"]);

      await engine.preview();
      assert.deepEqual(commands(), ["preview"]);
    });

    it("leave the stack that the user has selected, and write no stack file into the project", async () => {
      project.pulumi("stack", "init", "chosen");
      fs.rmSync(path.join(project.projectDir, "Pulumi.chosen.yaml"));

      const engine = await Engine.open(project.options);
      await update(engine);
      await engine.breakLock();

      assert.match(project.pulumi("stack", "ls"), /^chosen\*/m);
      assert.deepEqual(
        fs.readdirSync(project.projectDir).filter((name) => name.startsWith("Pulumi.")),
        ["Pulumi.yaml"],
      );
    });
  });

  describe("open", () => {
    it("says so when there is no stack file, which Pulumi takes for an empty one", async () => {
      await assert.rejects(Engine.open({ ...project.options, configFile: "/nowhere/Pulumi.trial.yaml" }), {
        message: "/nowhere/Pulumi.trial.yaml: found none, expected the stack's config",
      });
    });

    it("says so when there is no such stack", async () => {
      await assert.rejects(Engine.open({ ...project.options, stack: "nobodys" }), {
        message: "stack nobodys: found none of that name, expected one made by pulumi stack init",
      });
    });

    it("says so when there is no pulumi on PATH", async () => {
      process.env["PATH"] = "/nowhere";

      await assert.rejects(Engine.open(project.options), { message: /^found no pulumi on PATH: install it/ });
    });

    it("says so when nobody is logged in to a backend", async () => {
      delete process.env["PULUMI_BACKEND_URL"];
      delete process.env["PULUMI_ACCESS_TOKEN"];

      await assert.rejects(Engine.open(project.options), {
        message: /^stack trial can't be read: PULUMI_ACCESS_TOKEN must be set for login/,
      });
    });

    it("says so when the passphrase is missing or wrong", async () => {
      await update(await Engine.open(project.options));

      process.env["PULUMI_CONFIG_PASSPHRASE"] = "guessed";
      await assert.rejects(Engine.open(project.options), {
        message: /^stack trial can't be read: .*incorrect passphrase/,
      });
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
      await assert.rejects(Engine.open(project.options), {
        message: /^stack trial can't be read: .*passphrase must be set with PULUMI_CONFIG_PASSPHRASE/,
      });
    });
  });
});
