import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { ask } from "../../../cluster/kubeApi";
import type { SqlSession } from "../../../database/session";
import { expectOk } from "../../../local/platform/http";
import { buildGoCommand } from "../../support/goCommand";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { startStandIn, waitUntil } from "../../support/standInService";
import { openPsqlSession } from "../../support/psqlSession";
import { type SmallDisk, mountSmallDiskOrSkip } from "../../support/smallDisk";

const podinfo = process.env["PODINFO"];
const megabytes = 160;
const patienceSeconds = 30;

describe("a full disk below PostgreSQL, while writers write", function () {
  this.timeout(60_000);

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "full-disk-"));
  const services: ChildProcess[] = [];
  const origins: string[] = [];
  let disk: SmallDisk | undefined;
  let postgresql: TestPostgresql | undefined;
  let kubelet = { restarts: 0 };
  let sql: SqlSession;
  let step: (name: string, act: string) => Promise<void>;

  before(async function () {
    this.timeout(300_000);
    if (podinfo === undefined) {
      console.log("    skipped: PODINFO doesn't name a podinfo binary");
      this.skip();
    }
    disk = mountSmallDiskOrSkip(this, megabytes);
    postgresql = await startPostgresqlOrSkip(this, {}, disk.folder);
    const { host, port, superuser } = postgresql;
    kubelet = postgresql.restartAsKubeletDoes();
    sql = openPsqlSession({ host, port, user: superuser });
    const database = { PGHOST: host, PGPORT: String(port), PGUSER: superuser, PGDATABASE: "postgres" };
    const standin = await buildGoCommand("standin", folder);
    const migrations = await buildGoCommand("migrations", folder);
    step = async (name, act) => {
      await promisify(execFile)(migrations, [act], { env: { ...database, STEP: name } });
    };
    await step("1", "up");
    for (const backend of ["legacy", "blue"]) {
      const service = await startStandIn(standin, { podinfo, backend, environment: database });
      services.push(service.process);
      origins.push(service.origin);
    }
    for (const origin of origins) await waitUntil(() => expectOk(`${origin}/healthz`), patienceSeconds);
  });

  // Where it fails before its end.
  afterEach(() => disk?.empty());

  after(async () => {
    try {
      for (const service of services) service.kill("SIGKILL");
      await postgresql?.stop();
    } finally {
      disk?.unmount();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  /** One per backend; each write has a number of its own. */
  function startWriters(first: number): Writers {
    const told = { acknowledged: [] as number[], refused: 0, sinceRefused: 0 };
    const others: string[] = [];
    let isWriting = true;
    const writing = origins.map(async (origin, index) => {
      for (let number = first + index; isWriting; number += origins.length) {
        const { status, body } = await ask(new URL(`/records/${number}`, origin), { method: "POST" });
        if (status === 201) {
          told.acknowledged.push(number);
          told.sinceRefused += 1;
        } else if (status === 503) {
          told.refused += 1;
          told.sinceRefused = 0;
          // As a client would.
          await sleep(5);
        } else {
          others.push(`${number}: ${status} ${body}`);
        }
      }
    });
    return {
      told,
      end: async () => {
        isWriting = false;
        await Promise.all(writing);
        assert.deepEqual(others, []);
      },
    };
  }

  /** By the table itself: an index may have lost what it should refuse. */
  async function keptFrom(first: number): Promise<readonly number[]> {
    const query = `SELECT number FROM records WHERE number + 0 >= ${first} ORDER BY number + 0`;
    return (await sql.rows(query, z.object({ number: z.int() }))).map(({ number }) => number);
  }

  async function assertNoneLostNorDoubled(first: number, acknowledged: readonly number[]): Promise<void> {
    const kept = await keptFrom(first);
    assert.equal(new Set(kept).size, kept.length, "some write is there twice");
    const isKept = new Set(kept);
    assert.deepEqual(
      acknowledged.filter((number) => !isKept.has(number)),
      [],
    );
  }

  it("has writes refused, and the next are kept as soon as there is room, by the same server", async () => {
    const first = 1_000_000;
    const { told, end } = startWriters(first);
    await waitUntil(() => assert.ok(told.acknowledged.length > 100), patienceSeconds);
    await sql.run("SELECT pg_switch_wal()");
    disk?.fill();
    await waitUntil(() => assert.ok(told.refused > 50), patienceSeconds);
    const whileFull = told.acknowledged.length;
    disk?.empty();
    await waitUntil(
      () => assert.ok(told.acknowledged.length > whileFull + 100 && told.sinceRefused > 50),
      patienceSeconds,
    );
    await end();
    assert.equal(kubelet.restarts, 0);
    await assertNoneLostNorDoubled(first, told.acknowledged);
  });

  it("that leaves no room for the log ends PostgreSQL, which the kubelet starts again, and all go on", async () => {
    const first = 2_000_000;
    const { told, end } = startWriters(first);
    await waitUntil(() => assert.ok(told.acknowledged.length > 100), patienceSeconds);
    disk?.fill();
    // As archiving does with a log that nobody fills.
    const useUpLog = "SELECT pg_logical_emit_message(true, 'full', 'disk'); SELECT pg_switch_wal();";
    await assert.rejects(async () => {
      for (let times = 0; times < 50; times++) await sql.run(useUpLog);
    });
    await waitUntil(() => assert.ok(kubelet.restarts > 0), patienceSeconds);
    const whileFull = told.acknowledged.length;
    const refused = told.refused;
    await waitUntil(() => assert.ok(told.refused > refused + 50), patienceSeconds);
    assert.equal(told.acknowledged.length, whileFull);
    disk?.empty();
    await waitUntil(
      () => assert.ok(told.acknowledged.length > whileFull + 100 && told.sinceRefused > 50),
      patienceSeconds,
    );
    await end();
    await assertNoneLostNorDoubled(first, told.acknowledged);
  });

  it("fails a step that runs into it, and the next try of the same step succeeds beside the writers", async () => {
    const first = 3_000_000;
    await sql.run("INSERT INTO records SELECT i, 'legacy' FROM generate_series(1, 50000) i");
    const { told, end } = startWriters(first);
    await sql.run("CHECKPOINT; SELECT pg_switch_wal()");
    disk?.fill();
    await assert.rejects(step("2", "up"), /No space left on device/);
    disk?.empty();
    await waitUntil(() => assert.ok(told.sinceRefused > 50), patienceSeconds);
    await step("2", "up");
    await end();
    const [found] = await sql.rows(
      `SELECT count(*)::int AS without, (
        SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('records_bucket')
      ) AS valid
      FROM records WHERE number <= 50000 AND bucket IS DISTINCT FROM number / 1000`,
      z.object({ without: z.int(), valid: z.boolean() }),
    );
    assert.deepEqual(found, { without: 0, valid: true });
    await assertNoneLostNorDoubled(first, told.acknowledged);
  });
});

interface Writers {
  readonly told: {
    readonly acknowledged: readonly number[];
    readonly refused: number;
    /** Acknowledged since the last that was refused. */
    readonly sinceRefused: number;
  };
  /** @throws AssertionError for an answer that is neither a yes nor a 503 */
  readonly end: () => Promise<void>;
}
