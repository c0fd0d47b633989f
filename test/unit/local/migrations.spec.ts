import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { buildGoCommand } from "../../support/goCommand";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";

describe("the stand-in for a service's migrations", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "migrations-"));
  let postgresql: TestPostgresql | undefined;
  let binary = "";
  let environment: NodeJS.ProcessEnv = {};

  before(async function () {
    this.timeout(300_000);
    postgresql = await startPostgresqlOrSkip(this);
    binary = await buildGoCommand("migrations", folder);
  });

  after(async () => {
    await postgresql?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  let databases = 0;
  beforeEach(async () => {
    assert.ok(postgresql);
    const { host, port, superuser } = postgresql;
    environment = { PGHOST: host, PGPORT: String(port), PGUSER: superuser, PGDATABASE: "postgres" };
    const database = `test${++databases}`;
    await sql(`CREATE DATABASE ${database}`);
    environment = { ...environment, PGDATABASE: database };
    await step("baseline", "up");
  });

  const sql = async (command: string): Promise<string> => {
    const psql = path.join(process.env["POSTGRESQL_BIN"] ?? "", "psql");
    const args = ["-XAtw", "--set=ON_ERROR_STOP=1", `--command=${command}`];
    return (await promisify(execFile)(psql, args, { env: environment })).stdout.trim();
  };
  const step = async (name: string, act: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(binary, [act], { env: { ...environment, STEP: name } });
    return stdout.trim();
  };
  const columns = async (): Promise<string[]> => {
    const names = "SELECT attname FROM pg_attribute WHERE attrelid = 'records'::regclass";
    return (await sql(`${names} AND attnum > 0 AND NOT attisdropped ORDER BY attnum`)).split("\n");
  };
  const before1 = ["number", "backend", "comment", "written_at"];

  it("adds a column, tells so, and takes it back", async () => {
    assert.equal(await step("1", "status"), '{"applied":1,"pending":1}');
    await step("1", "up");
    assert.equal(await step("1", "status"), '{"applied":2,"pending":0}');
    assert.deepEqual(await columns(), [...before1, "release"]);
    await step("1", "down");
    assert.deepEqual(await columns(), before1);
  });

  it("does nothing the second time, in either direction", async () => {
    for (const act of ["up", "up", "down", "down"]) await step("1", act);
    assert.deepEqual(await columns(), before1);
  });

  it("fills in what was there, and indexes it", async () => {
    await sql("INSERT INTO records (number, backend) SELECT n, 'legacy' FROM generate_series(1, 2500) n");
    await step("1", "up");
    await step("2", "up");
    assert.equal(await sql("SELECT count(*), max(bucket) FROM records WHERE bucket IS NOT NULL"), "2500|2");
    assert.equal(
      await sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'records_bucket'::regclass"),
      "t",
    );
    await step("2", "down");
    assert.deepEqual(await columns(), [...before1, "release"]);
  });

  it("builds an index anew that a killed step left invalid", async () => {
    await step("1", "up");
    await step("2", "up");
    await sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'records_bucket'::regclass");
    await sql("DELETE FROM goose_db_version WHERE version_id > 3");
    await step("2", "up");
    assert.equal(
      await sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'records_bucket'::regclass"),
      "t",
    );
  });

  it("drops what old releases use, as a contract step does", async () => {
    await step("1", "up");
    await step("contract", "up");
    assert.deepEqual(await columns(), ["number", "backend", "written_at", "release"]);
  });

  it("leaves nothing of a step that failed, and says why", async () => {
    await assert.rejects(step("failing", "up"), /division by zero/);
    assert.deepEqual(await columns(), before1);
  });

  it("refuses a step that it doesn't know", async () => {
    await assert.rejects(
      step("3", "up"),
      /STEP: found "3", expected one of \[1 2 baseline contract failing slow\]/,
    );
  });
});
