import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Backup } from "../../../database/host";
import { newestTransaction, newestTransactionScript } from "../../../database/archivedLog";
import {
  asOf,
  backUpFully,
  damageIn,
  listBackups,
  untilEnd,
  untilTime,
  verifyBackup,
} from "../../../database/pgBackRest";
import { type KeptPostgresql, startKeptPostgresql } from "../../support/keptPostgresql";
import type { TestPostgresql } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

describe("What pgBackRest keeps", function () {
  this.timeout(120_000);
  const { signal } = new AbortController();
  let kept: KeptPostgresql;
  let backup: Backup;

  before(async function () {
    if (process.env["POSTGRESQL_BIN"] === undefined) {
      console.log("    skipped: POSTGRESQL_BIN doesn't name the folder of postgres and pgbackrest");
      return this.skip();
    }
    kept = await startKeptPostgresql();
    assert.deepEqual(await listBackups(kept.call), []);
    await kept.sql.run(
      "CREATE TABLE writes (n int PRIMARY KEY); INSERT INTO writes SELECT generate_series(1, 5)",
    );
    const before = Date.now();
    backup = await backUpFully(kept.call, "a test", signal);
    // It tells whole seconds.
    assert(backup.finishedAt.getTime() >= before - 1000 && backup.finishedAt.getTime() <= Date.now());
  });

  after(async () => {
    await kept.stop();
  });

  async function writesOf(server: TestPostgresql): Promise<number[]> {
    try {
      const sql = openPsqlSession({ host: server.host, port: server.port, user: server.superuser });
      for (let tries = 0; tries < 100; tries++) {
        const [row] = await sql.rows("SELECT pg_is_in_recovery() AS is", z.object({ is: z.boolean() }));
        if (row?.is === false) break;
        await sleep(100);
      }
      const rows = await sql.rows("SELECT n FROM writes ORDER BY n", z.object({ n: z.int() }));
      return rows.map(({ n }) => n);
    } finally {
      await server.stop();
    }
  }

  it("lists a backup that is finished", async () => {
    assert.deepEqual(await listBackups(kept.call), [backup]);
  });

  it("is restored to the very rows that it held, whatever was written since", async () => {
    await kept.sql.run("INSERT INTO writes VALUES (6)");
    assert.deepEqual(await writesOf(await kept.restored(asOf(backup))), [1, 2, 3, 4, 5]);
  });

  it("is restored to exactly the rows of a moment", async () => {
    await kept.sql.run("INSERT INTO writes VALUES (7)");
    await sleep(50);
    const moment = new Date();
    await sleep(50);
    await kept.sql.run("INSERT INTO writes VALUES (8); DELETE FROM writes WHERE n = 1");
    await kept.sql.run("SELECT pg_switch_wal()");
    const { exitCode, errors } = await kept.call(["check"]);
    assert.equal(exitCode, 0, errors);
    assert.deepEqual(await writesOf(await kept.restored(untilTime(moment))), [1, 2, 3, 4, 5, 6, 7]);
  });

  it("tells until when its log goes, and is restored to that very moment when there is no later one", async () => {
    const before = new Date();
    await kept.sql.run("INSERT INTO writes VALUES (9)");
    const { exitCode, errors } = await kept.call(["check"]);
    assert.equal(exitCode, 0, errors);
    const after = new Date();
    await kept.sql.run("INSERT INTO writes VALUES (10)");
    const newest = newestTransaction(
      execFileSync("sh", ["-c", newestTransactionScript(process.env["POSTGRESQL_BIN"] ?? "")], {
        encoding: "utf8",
        env: { ...process.env, PGBACKREST_REPO1_PATH: kept.repository },
      }),
    );
    assert(newest !== undefined && newest > before && newest < after, String(newest));
    assert.deepEqual(await writesOf(await kept.restored(untilEnd)), [2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("waits for a backup that runs already", async () => {
    const made = await Promise.all([
      backUpFully(kept.call, "one", signal),
      backUpFully(kept.call, "two", signal),
    ]);
    const labels = (await listBackups(kept.call)).map(({ label }) => label);
    assert.equal(labels.length, 3);
    for (const { label } of made) assert(labels.includes(label));
  });

  it("refuses a backup with one byte that is another, and says what was found; others stay good", async () => {
    const [newest, older] = await listBackups(kept.call);
    assert(newest !== undefined && older !== undefined);
    const folder = path.join(kept.repository, "backup/main", newest.label, "pg_data/base");
    const file = fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .find((each) => fs.statSync(each).size > 1000);
    assert(file !== undefined);
    const content = fs.readFileSync(file);
    const middle = Math.floor(content.length / 2);
    content.writeUInt8(content.readUInt8(middle) ^ 255, middle);
    fs.writeFileSync(file, content);
    await assert.rejects(verifyBackup(kept.call, newest.label, signal), {
      name: "DatabaseError",
      message: new RegExp(
        `^backup ${newest.label}: found it corrupt, expected every file as it was written: .*checksum invalid: 1.*; invalid checksum '${newest.label}/pg_data/base/.*'$`,
      ),
    });
    const [verdict, named, ...others] = await damageIn(kept.call, signal);
    assert.match(verdict ?? "", new RegExp(`^backup: ${newest.label}, status: invalid`));
    assert.match(
      named ?? "",
      new RegExp(`^invalid checksum '${path.relative(path.join(kept.repository, "backup/main"), file)}'$`),
    );
    assert.deepEqual(others, []);
    // A file that can't be read is read again twice, 15 s later each time.
    await assert.rejects(kept.restored([...asOf(newest), "--job-retry=0"]), /ERROR/);
    await verifyBackup(kept.call, older.label, signal);
  });

  it("refuses a backup whose log is missing", async () => {
    const [newest] = await listBackups(kept.call);
    assert(newest !== undefined);
    fs.rmSync(path.join(kept.repository, "archive/main/15-1"), { recursive: true });
    await assert.rejects(verifyBackup(kept.call, newest.label, signal), {
      name: "DatabaseError",
      message: /found the log missing, expected it from 0{7}1/,
    });
  });

  it("refuses a label that isn't there", async () => {
    await assert.rejects(verifyBackup(kept.call, "20200101-000000F", signal), {
      name: "DatabaseError",
      message: /^backup 20200101-000000F: found none of this label, expected one of: \d/,
    });
  });
});
