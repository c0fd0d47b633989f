import assert from "node:assert/strict";
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../../tools/child";
import { Interrupted, interruptible } from "../../../tools/interrupt";

/** Whether the process runs. One that has ended may wait for its parent to take notice. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("run", () => {
  it("resolves to what the command wrote to stdout and passes on each line of stderr", async () => {
    const lines: string[] = [];
    const output = await run("sh", ["-c", "echo one; echo two >&2; echo three >&2"], {
      onLine: (line) => lines.push(line),
    });
    assert.equal(output, "one\n");
    assert.deepEqual(lines, ["two", "three"]);
  });

  it("gives the command its input, or nothing, on stdin", async () => {
    const long = "line\n".repeat(100_000);
    assert.equal(await run("cat", [], { input: long }), long);
    assert.equal(await run("cat", []), "");
    assert.equal(await run("true", [], { input: long }), "");
  });

  it("rejects with the command, its exit code and its last lines", async () => {
    await assert.rejects(
      run("sh", ["-c", "echo why >&2; exit 3"]),
      /^Error: sh -c .* failed \(exit code 3\)\n(.*\n)*why$/,
    );
  });

  it("rejects when there is no such command", async () => {
    await assert.rejects(run("no-such-command", []), /no-such-command can't be run/);
  });

  it("ends the command and its children when it is aborted", async () => {
    const controller = new AbortController();
    let grandchild = 0;
    const running = run("sh", ["-c", "sleep 60 & echo $! >&2; wait"], {
      signal: controller.signal,
      onLine(line) {
        grandchild = Number(line);
        controller.abort(new Error("enough"));
      },
    });
    await assert.rejects(running, /enough/);
    assert.ok(grandchild > 0);
    assert.equal(isAlive(grandchild), false);
  });
});

describe("interruptible", () => {
  it("turns a signal into a rejection, once the work has cleaned up", async () => {
    let isClean = false;
    const work = interruptible(async (signal) => {
      setImmediate(() => process.kill(process.pid, "SIGHUP"));
      try {
        await run("sleep", ["60"], { signal });
      } finally {
        isClean = true;
      }
    });
    await assert.rejects(work, (error) => error instanceof Interrupted && error.exitCode === 129);
    assert.equal(isClean, true);
  });

  it("rejects alike when a timer was waited for, which says only that it was aborted", async () => {
    const work = interruptible(async (signal) => {
      setImmediate(() => process.kill(process.pid, "SIGHUP"));
      await sleep(60_000, undefined, { signal });
    });
    await assert.rejects(work, (error) => error instanceof Interrupted && error.exitCode === 129);
  });

  it("rejects with what went wrong, interrupted or not, where that is something else", async () => {
    const work = interruptible(async (signal) => {
      setImmediate(() => process.kill(process.pid, "SIGHUP"));
      await sleep(60_000, undefined, { signal }).catch(() => undefined);
      throw new Error("found the disk full");
    });
    await assert.rejects(work, /found the disk full/);
  });

  it("rejects after work that couldn't be broken off", async () => {
    const work = interruptible(async () => {
      process.kill(process.pid, "SIGHUP");
      await run("sleep", ["0.1"]);
    });
    await assert.rejects(work, Interrupted);
  });

  it("leaves signals alone afterwards", async () => {
    const before = process.listenerCount("SIGHUP");
    await interruptible(() => Promise.resolve());
    assert.equal(process.listenerCount("SIGHUP"), before);
  });
});
