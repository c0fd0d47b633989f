import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { type Answer, ask } from "../../../cluster/kubeApi";
import { expectOk } from "../../../local/platform/http";
import { buildGoCommand } from "../../support/goCommand";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { startStandIn, waitUntil } from "../../support/standInService";

const podinfo = process.env["PODINFO"];
const patienceSeconds = 15;

describe("the records of a stand-in", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "records-"));
  let postgresql: TestPostgresql | undefined;
  let database: NodeJS.ProcessEnv = {};
  let standin = "";
  const services: ChildProcess[] = [];

  before(async function () {
    this.timeout(300_000);
    if (podinfo === undefined) {
      console.log("    skipped: PODINFO doesn't name a podinfo binary");
      this.skip();
    }
    postgresql = await startPostgresqlOrSkip(this);
    const { host, port, superuser } = postgresql;
    database = { PGHOST: host, PGPORT: String(port), PGUSER: superuser, PGDATABASE: "postgres" };
    standin = await buildGoCommand("standin", folder);
    const migrations = await buildGoCommand("migrations", folder);
    step = async (name, act) => {
      await promisify(execFile)(migrations, [act], { env: { ...database, STEP: name } });
    };
    await step("baseline", "up");
  });

  after(async () => {
    for (const service of services) service.kill("SIGKILL");
    await postgresql?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  let step: (name: string, act: string) => Promise<void>;
  const sql = async (command: string): Promise<string> => {
    const psql = path.join(process.env["POSTGRESQL_BIN"] ?? "", "psql");
    const { stdout } = await promisify(execFile)(psql, ["-XAtw", `--command=${command}`], { env: database });
    return stdout.trim();
  };

  /** Starts one, and returns its address. */
  const serve = async (backend: string, environment: NodeJS.ProcessEnv): Promise<URL> => {
    const service = await startStandIn(standin, { podinfo, backend, environment });
    services.push(service.process);
    const url = new URL(service.origin);
    await waitUntil(() => expectOk(`${url.origin}/healthz`), patienceSeconds);
    return url;
  };
  const write = (url: URL, number: number | string): Promise<Answer> =>
    ask(new URL(`/records/${number}`, url), { method: "POST" });
  const read = (url: URL, number: number): Promise<Answer> => ask(new URL(`/records/${number}`, url));

  it("are there once they are acknowledged, with who wrote them, and never twice", async () => {
    const blue = await serve("blue", database);
    assert.equal((await read(blue, 1)).status, 404);
    assert.equal((await write(blue, 1)).status, 201);
    assert.equal(await sql("SELECT backend FROM records WHERE number = 1"), "blue");
    assert.equal((await write(blue, 1)).status, 409);
    const { status, body } = await read(blue, 1);
    assert.equal(status, 200);
    assert.equal(z.object({ backend: z.string() }).parse(JSON.parse(body)).backend, "blue");
    for (const number of ["0", "-1", "one", "9223372036854775808"]) {
      assert.equal((await write(blue, number)).status, 400, number);
    }
  });

  it("take no more connections than the pool has", async () => {
    const green = await serve("green", { ...database, PGAPPNAME: "green" });
    await Promise.all(Array.from({ length: 40 }, (_, index) => write(green, 100 + index)));
    assert.equal(await sql("SELECT count(*) FROM records WHERE number BETWEEN 100 AND 139"), "40");
    assert.ok(
      Number(await sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'green'")) <= 2,
    );
  });

  it("outlive PostgreSQL: what isn't acknowledged is refused, and the next is kept", async () => {
    const blue = await serve("blue", database);
    const acknowledged: number[] = [];
    const postgresqlIs = { back: false };
    const writer = (async () => {
      for (let number = 1000; !postgresqlIs.back || acknowledged.at(-1) !== number - 1; number++) {
        const { status } = await write(blue, number);
        if (status === 201) acknowledged.push(number);
        else assert.equal(status, 503);
      }
    })();
    await waitUntil(() => {
      assert.ok(acknowledged.length > 20);
    }, patienceSeconds);
    await postgresql?.crash();
    postgresqlIs.back = true;
    await writer;
    const kept = (await sql("SELECT number FROM records WHERE number >= 1000")).split("\n").map(Number);
    assert.deepEqual(
      acknowledged.filter((number) => !kept.includes(number)),
      [],
    );
  });

  it("are for whoever has a service file, which may come late and change", async () => {
    const file = path.join(folder, "services.conf");
    const legacy = await serve("legacy", { PGSERVICEFILE: file, PGSERVICE: "records" });
    assert.equal((await write(legacy, 2000)).status, 503);
    const serviceFile = (user: string): string =>
      [
        "[records]",
        `host=${database["PGHOST"]}`,
        `port=${database["PGPORT"]}`,
        "dbname=postgres",
        `user=${user}`,
      ].join("\n");
    fs.writeFileSync(file, serviceFile("nobody_knows"));
    assert.equal((await write(legacy, 2000)).status, 503);
    fs.writeFileSync(file, serviceFile("postgres"));
    assert.equal((await write(legacy, 2000)).status, 201);
    assert.equal(await sql("SELECT backend FROM records WHERE number = 2000"), "legacy");
  });

  it("are refused, and still told, when the mode is read-only", async () => {
    const blue = await serve("blue", { ...database, PGOPTIONS: "-c default_transaction_read_only=on" });
    assert.equal((await write(blue, 2)).status, 403);
    assert.equal((await read(blue, 1)).status, 200);
  });

  it("know of a column that a step brings, while it is there", async () => {
    const blue = await serve("blue", { ...database, RELEASE: "1.1.0" });
    assert.equal((await write(blue, 3000)).status, 201);
    await step("1", "up");
    assert.equal((await write(blue, 3001)).status, 201);
    assert.equal(await sql("SELECT release FROM records WHERE number = 3001"), "1.1.0");
    await step("1", "down");
    assert.equal((await write(blue, 3002)).status, 201);
  });

  it("of legacy end with a contract step, and no other's", async () => {
    const legacy = await serve("legacy", database);
    const green = await serve("green", database);
    await step("contract", "up");
    assert.equal((await write(legacy, 4000)).status, 500);
    assert.equal((await write(green, 4001)).status, 201);
  });
});
