import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isLeft, ownMark, ownerState } from "../../../cluster/owner";

describe("the owner of a note or a lock", () => {
  const host = os.hostname();

  it("is alive while its process runs, and dead afterwards", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const owner = { pid: child.pid ?? 0, host, since: new Date() };
    assert.equal(ownerState(owner), "alive");
    assert.equal(ownerState({ pid: process.pid, host, since: new Date() }), "alive");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(ownerState(owner), "dead");
  });

  it("is dead when a process that started later has its pid", () => {
    const started = Date.now() - process.uptime() * 1000;
    const at = (offset: number): Date => new Date(started + offset);
    assert.equal(ownerState({ pid: process.pid, host, since: at(-60_000) }), "dead");
    // To the accuracy of clocks.
    assert.equal(ownerState({ pid: process.pid, host, since: at(-2_000) }), "alive");
    assert.equal(ownerState({ pid: process.pid, host, since: at(1) }), "alive");
  });

  it("is dead when it has ended and only its parent hasn't noticed", async () => {
    // The shell ends its child and, now another program, never asks for it.
    const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"]);
    try {
      const printed: unknown[] = await once(parent.stdout, "data");
      const pid = Number(printed[0]);
      while (!/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(10);
      assert.equal(ownerState({ pid, host, since: new Date() }), "dead");
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("can't be judged from another host", () => {
    assert.equal(ownerState({ pid: process.pid, host: `not-${host}`, since: new Date() }), "elsewhere");
  });

  it("has left what bears its mark once it is dead, or elsewhere and a day has gone by", () => {
    const { pid: ended } = spawnSync("true");
    const at = (hoursAgo: number): string => new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
    assert.equal(isLeft(ownMark()), false);
    assert.equal(isLeft(`${host} ${ended} ${at(0)}`), true);
    assert.equal(isLeft(`not-${host} ${ended} ${at(23)}`), false);
    assert.equal(isLeft(`not-${host} ${ended} ${at(25)}`), true);
    for (const mark of [undefined, "", "somebody's own"]) assert.equal(isLeft(mark), false);
  });
});
