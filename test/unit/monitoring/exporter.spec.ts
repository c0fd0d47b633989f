import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { accessSql } from "../../../database/access";
import { backendConnections } from "../../../database/connections";
import { passwordOf } from "../../../database/password";
import { databaseName, roleName } from "../../../database/roles";
import type { SqlSession } from "../../../database/session";
import { BACKENDS, type Backend } from "../../../migration";
import {
  EXPORTERS,
  connectionsConfig,
  dataQueries,
  databaseScrapes,
  exporterArgs,
} from "../../../monitoring/database";
import { timingOf } from "../../../monitoring/timing";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";
import { freePort } from "../../support/registry";

const target = "auth-service";
const secret = "correct horse battery staple";

/** The real exporter and a real PostgreSQL, with the roles that the stack makes. */
describe("what a database's exporters tell", function () {
  this.timeout(60_000);
  let server: TestPostgresql;
  let admin: SqlSession;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "exporter-"));
  const children: ChildProcess[] = [];
  const stops: (() => Promise<void>)[] = [];
  let ports: Readonly<Record<keyof typeof EXPORTERS, number>>;

  before(async function () {
    const exporter = process.env["POSTGRES_EXPORTER"];
    if (exporter === undefined) {
      console.log("    skipped: POSTGRES_EXPORTER doesn't name the binary postgres_exporter");
      return this.skip();
    }
    server = await startPostgresqlOrSkip(this, { archive_mode: "on", archive_command: "false" });
    stops.push(() => server.stop());
    admin = openPsqlSession({ ...server, user: server.superuser });
    const connections = backendConnections({ poolSize: 1, replicas: 1 });
    await admin.run(accessSql({ target, mode: "read-write", secret, connections }));
    ports = { connections: await freePort(), data: await freePort() };
    const login = (backend: Backend) => ({
      username: roleName(target, backend),
      password: passwordOf(secret, target, backend),
    });
    const logins = { legacy: login("legacy"), blue: login("blue"), green: login("green") };
    const config = connectionsConfig(logins, { tls: "disable", timing: timingOf() });
    const queries = write("queries.yaml", dataQueries("cluster"));
    start(exporter, "connections", [`--config.file=${write("connections.yaml", config)}`]);
    start(exporter, "data", [`--extend.query-path=${queries}`], {
      DATA_SOURCE_URI: `${server.host}:${server.port}/${databaseName(target)}?sslmode=disable`,
      DATA_SOURCE_USER: roleName(target, "monitor"),
      DATA_SOURCE_PASS: passwordOf(secret, target, "monitor"),
    });
    for (const port of Object.values(ports)) {
      while (
        !(await fetch(`http://127.0.0.1:${port}/`).then(
          ({ ok }) => ok,
          () => false,
        ))
      )
        await sleep(50);
    }
  });

  after(async () => {
    for (const child of children) {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
    for (const stop of stops) await stop();
    fs.rmSync(folder, { recursive: true });
  });

  function write(name: string, content: object): string {
    const file = path.join(folder, name);
    fs.writeFileSync(file, stringify(content));
    return file;
  }

  function start(
    program: string,
    which: keyof typeof EXPORTERS,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): void {
    const listening = exporterArgs({ ...EXPORTERS[which], port: ports[which] });
    const child = spawn(program, [...args, ...listening], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: "ignore",
    });
    children.push(child);
  }

  /** By what each scrape of the stack's asks, but at this server. */
  async function scrape(labels: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, number>> {
    const [found] = databaseScrapes(target).filter(
      (each) => each.labels["backend"] === labels["backend"] && each.labels["target"] === target,
    );
    assert.ok(found);
    const { exporter, params } = found;
    const port = exporter.portName === "data" ? ports.data : ports.connections;
    const here = `${server.host}:${server.port}/${databaseName(target)}`;
    const query = new URLSearchParams({ ...params, ...("target" in params && { target: here }) });
    const text = await (await fetch(`http://127.0.0.1:${port}${exporter.path}?${query.toString()}`)).text();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line) => [line.replace(/[{ ].*$/, ""), Number(line.slice(line.lastIndexOf(" ")))]),
    );
  }
  const connects = async (backend: Backend): Promise<number | undefined> =>
    (await scrape({ backend })).get("pg_up");

  it("is 1 for each backend that gets a connection, and 0 for the one that gets none, at the next scrape", async () => {
    for (const backend of BACKENDS) assert.equal(await connects(backend), 1, backend);
    await admin.run(`ALTER ROLE ${roleName(target, "blue")} NOLOGIN`);
    const started = performance.now();
    assert.deepEqual(await Promise.all(BACKENDS.map(connects)), [1, 0, 1]);
    // Before Prometheus gives up, which would tell nothing.
    assert.ok(performance.now() - started < timingOf().scrapeMs);
    await admin.run(`ALTER ROLE ${roleName(target, "blue")} LOGIN`);
    assert.equal(await connects("blue"), 1);
  });

  it("doesn't count a full pool as a failure, and leaves nothing behind", async () => {
    const password = passwordOf(secret, target, "green");
    const session = { ...server, user: roleName(target, "green"), password, database: databaseName(target) };
    // Two pods of one connection each.
    const busy = [1, 2].map(() => openPsqlSession(session).run("SELECT pg_sleep(2)"));
    await sleep(500);
    assert.equal(await connects("green"), 1);
    await Promise.all(busy);
    const left: string[] = [];
    const sql = `SELECT usename FROM pg_stat_activity WHERE usename = '${roleName(target, "green")}'`;
    for await (const line of admin.lines(sql)) left.push(line);
    assert.deepEqual(left, []);
  });

  it("is how long finished segments wait for their archive, and how old the newest backup is", async () => {
    const before = await scrape({});
    assert.equal(before.get("pyairtable_database_checksum_failures"), 0);
    assert.equal(before.get("pyairtable_database_archive_waiting_seconds"), 0);
    const startedAt = before.get("pyairtable_database_backup_finished_seconds") ?? 0;
    assert.ok(Math.abs(startedAt - Date.now() / 1_000) < 60, String(startedAt));
    await admin.run(
      "CREATE TABLE t (); SELECT pg_switch_wal(); SELECT pg_backup_start('of this test', true); SELECT pg_backup_stop(false)",
    );
    await sleep(1_100);
    const after = await scrape({});
    const waiting = after.get("pyairtable_database_archive_waiting_seconds") ?? 0;
    assert.ok(waiting > 1 && waiting < 30, String(waiting));
    assert.ok((after.get("pyairtable_database_backup_finished_seconds") ?? 0) > startedAt);
    assert.equal(after.get("pg_up"), 1);
  });

  it("is 0 for all when the server is gone", async () => {
    await server.stop();
    stops.length = 0;
    assert.deepEqual(await Promise.all(BACKENDS.map(connects)), [0, 0, 0]);
  });
});
