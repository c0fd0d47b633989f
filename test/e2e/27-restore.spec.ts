import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { exitCodes } from "../../cutover/exitCodes";
import { restoredInstance } from "../../cutover/restore";
import type { Backup } from "../../database/host";
import { namespace, readState, stackLock } from "../faults/agreement";
import { findCli, kill } from "../faults/processes";
import { cutover } from "./cutoverCommand";
import { eventually } from "./prometheus";
import { Restoring, target } from "./restoring";
import { stackOnLegacy, succeeded } from "./world";

describe("a target's data", function () {
  this.timeout(300_000);
  const { signal } = new AbortController();
  let world: Restoring;
  let backup: Backup;
  let inUse = `${target}-postgresql`;

  before(async () => {
    world = await Restoring.of(await stackOnLegacy("restore"));
  });

  it("is backed up, and the backup proven", async () => {
    await world.withSession("owner", (session) =>
      session.run(
        "DROP TABLE IF EXISTS writes; CREATE TABLE writes (n int PRIMARY KEY, text text); INSERT INTO writes VALUES (1, 'one'), (2, 'two'), (3, 'three')",
      ),
    );
    backup = await world.host.backUp(inUse, "a test", signal);
    const { code, stdout, stderr } = await cutover(world.stack, ["backups", target]);
    assert.equal(code, exitCodes.done, stderr);
    assert.match(stdout, new RegExp(`^  ${backup.label}  finished `, "m"));
    assert.match(stdout, /^It can be restored to any moment from /m);
  });

  it("is tried on in a shadow of that backup, which is gone afterwards", async () => {
    await world.write("INSERT INTO writes VALUES (4, 'four')");
    const shadow = await world.host.shadow(inUse, backup, signal);
    try {
      assert.deepEqual(await world.rows(shadow.address), [
        [1, "one"],
        [2, "two"],
        [3, "three"],
      ]);
      await world.withSession("owner", (session) => session.run("DROP TABLE writes"), shadow.address);
    } finally {
      await shadow.dispose();
    }
    assert.equal((await world.rows()).length, 4);
    assert.deepEqual(await world.ownPods(), []);
  });

  it("isn't brought back out of a backup that is damaged, nor to what is no moment of it; nothing is changed", async () => {
    const head = await world.stack.git("rev-parse", "HEAD");
    const moment = new Date();
    const find = `cd "$PGBACKREST_REPO1_PATH/backup/main/${backup.label}/pg_data/base" && file=$(find . -name '*.gz' -size +8k | sort | head -n 1) && echo "$file"`;
    const damage = `${find} && cp "$file" /tmp/kept && printf damaged | dd of="$file" bs=1 seek=2000 conv=notrunc`;
    const damaged = (await world.run(inUse, "backup", damage)).trim().replace(/^\.\//, "");
    try {
      const { code, stderr } = await world.restore(moment.toISOString());
      assert.equal(code, exitCodes.failed, stderr);
      assert.match(stderr, /the backup can't be restored: .*ERROR/s);
      assert.ok(stderr.includes(`invalid checksum '${backup.label}/pg_data/base/${damaged}'`), stderr);
    } finally {
      await world.run(inUse, "backup", `${find} && cp /tmp/kept "$file" && rm /tmp/kept`);
    }
    for (const to of ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]) {
      const { code, stderr } = await world.restore(to);
      assert.equal(code, exitCodes.refused, stderr);
      assert.match(stderr, /nothing was changed/);
    }
    assert.deepEqual(await world.ownPods(), []);
    const claim = `data-${restoredInstance(target, moment)}-0`;
    const { status } = await world.api.ask(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`);
    assert.equal(status, 404);
    assert.equal(await world.stack.git("rev-parse", "HEAD"), head);
  });

  it("is brought back to a moment, wherever the command is killed on its way; what was written since is listed, and the old one is kept", async () => {
    await sleep(100);
    const moment = new Date();
    const to = moment.toISOString();
    await sleep(100);
    await world.write(
      "INSERT INTO writes VALUES (5, 'five'); DELETE FROM writes WHERE n = 1; UPDATE writes SET text = 'zwei' WHERE n = 2",
    );
    const kept = inUse;
    inUse = restoredInstance(target, moment);
    const pod = (name: RegExp) => async (): Promise<string | undefined> =>
      (await world.pods()).find((each) => name.test(each));
    const subject = (): Promise<string> => world.stack.git("log", "-1", "--format=%s");
    /** Takes the update away from below the command. */
    const killUpdate = (): true | undefined => {
      const cli = findCli(world.stack.stackFile);
      const lock = stackLock();
      const isUnderWay = lock !== undefined && lock !== "unreadable" && lock.pid === cli;
      return isUnderWay && kill(lock.pid) ? true : undefined;
    };

    await world.restoreUntil(to, "SIGKILL", pod(/-restore$/));
    const [code] = await world.restoreUntil(to, "SIGINT", pod(/-sql-/));
    assert.equal(code, 130);
    assert.deepEqual(await world.ownPods(), []);
    await world.restoreUntil(to, "SIGKILL", killUpdate);
    assert.match(await subject(), /: read-only \(a restore to /);
    // The file says that it can't be written, and it still can.
    await world.write("INSERT INTO writes VALUES (6, 'six')");
    const made = `/apis/apps/v1/namespaces/${namespace}/statefulsets/${inUse}`;
    await world.restoreUntil(to, "SIGKILL", async () =>
      (await world.api.ask(made)).status === 200 ? killUpdate() : undefined,
    );
    assert.match(await subject(), /: its database as it was at /);
    const { code: last, stdout, stderr } = await world.restore(to, "--json");
    assert.equal(last, exitCodes.done, stdout + stderr);
    assert.deepEqual(readState().pendingOperations, []);

    assert.deepEqual(await world.rows(), [
      [1, "one"],
      [2, "two"],
      [3, "three"],
      [4, "four"],
    ]);
    await world.write("INSERT INTO writes VALUES (7, 'seven')");
    const [file = ""] = fs
      .readdirSync(world.stack.repository)
      .filter((name) => name.startsWith(`${target}-restore-`))
      .map((name) => path.join(world.stack.repository, name));
    const lines = fs.readFileSync(file, "utf8").trim().split("\n");
    assert.deepEqual(lines.filter((line) => line.includes('"public.writes"')).sort(), [
      '{"table":"public.writes","live":{"n":2,"text":"zwei"},"restored":{"n":2,"text":"two"}}',
      '{"table":"public.writes","only":"live","row":{"n":5,"text":"five"}}',
      '{"table":"public.writes","only":"live","row":{"n":6,"text":"six"}}',
      '{"table":"public.writes","only":"restored","row":{"n":1,"text":"one"}}',
    ]);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await world.ownPods(), []);
    await hasPods(kept, inUse);
    succeeded(await world.stack.preview());
  });

  it("comes back when its server can't start any more, as far as its log was put away, once somebody says so", async () => {
    await world.backedUp(inUse);
    await world.write("INSERT INTO writes VALUES (8, 'eight')");
    await world.run(inUse, "backup", "pgbackrest check");
    await world.write("INSERT INTO writes VALUES (9, 'nine')");
    const latest = new Date().toISOString();
    await world.run(inUse, "server", 'rm "$PGDATA/global/pg_control"; kill -QUIT 1');
    const newest = await newestMoment();

    const later = await world.restore(latest, "--uncompared");
    assert.equal(later.code, exitCodes.refused, later.stderr);
    assert.ok(later.stderr.includes(`expected ${newest} or earlier`), later.stderr);
    const unasked = await world.restore(newest);
    assert.equal(unasked.code, exitCodes.refused, unasked.stderr);
    assert.match(unasked.stderr, /can't be listed: .* doesn't answer \(.*expected --uncompared/s);

    await backWithoutComparison(newest);
    assert.deepEqual(await world.numbers(), [1, 2, 3, 4, 7, 8]);
  });

  it("comes back when its pod is gone, out of the repository alone", async () => {
    await world.backedUp(inUse);
    await world.write("INSERT INTO writes VALUES (10, 'ten')");
    const { status } = await world.api.ask(`/apis/apps/v1/namespaces/${namespace}/statefulsets/${inUse}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { spec: { replicas: 0 } },
    });
    assert.equal(status, 200);
    await eventually(
      () => world.pods(),
      (pods) => !pods.includes(`${inUse}-0`),
      90,
    );
    await backWithoutComparison(await newestMoment());
    assert.deepEqual(await world.numbers(), [1, 2, 3, 4, 7, 8, 10]);
  });

  /** As `cutover backups` tells it of a server that doesn't answer. */
  async function newestMoment(): Promise<string> {
    const { recoverable } = await eventually(
      async () =>
        backupsSaid.parse(JSON.parse((await cutover(world.stack, ["backups", target, "--json"])).stdout)),
      (said) => said.recoverable.unanswered !== undefined,
      60,
    );
    return recoverable.to;
  }

  async function backWithoutComparison(to: string): Promise<void> {
    const kept = inUse;
    const { code, stdout, stderr } = await world.restore(to, "--uncompared");
    assert.equal(code, exitCodes.done, stdout + stderr);
    assert.match(stderr, new RegExp(`${kept} doesn't answer: `));
    assert.match(stdout, /WHAT WAS WRITTEN SINCE CAN'T BE LISTED; it is kept with the volume/);
    inUse = restoredInstance(target, new Date(to));
    assert.deepEqual(await world.ownPods(), []);
    await hasPods(kept, inUse);
    succeeded(await world.stack.preview());
  }

  /** Whatever state they are in: one that is kept may be restarting. */
  async function hasPods(...instances: readonly string[]): Promise<void> {
    await eventually(
      () => world.pods(),
      (pods) => instances.every((each) => pods.includes(`${each}-0`)),
      60,
    );
  }
});

const backupsSaid = z.object({
  recoverable: z.object({ to: z.string(), unanswered: z.string().optional() }),
});
