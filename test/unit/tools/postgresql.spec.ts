import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { debianTrees } from "../../../tools/pins";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";

describe("PostgreSQL out of Debian's packages", () => {
  let postgresql: TestPostgresql | undefined;

  before(async function () {
    postgresql = await startPostgresqlOrSkip(this);
  });

  after(() => postgresql?.stop());

  const psql = async (command: string, user = "postgres"): Promise<string> => {
    assert.ok(postgresql);
    const { host, port } = postgresql;
    const args = ["-XAtw", `--host=${host}`, `--port=${port}`, `--username=${user}`, "postgres"];
    return run("psql", [...args, `--command=${command}`]);
  };

  it("serves with data checksums, and with what tells statements apart", async () => {
    assert.equal(await psql("SHOW data_checksums"), "on");
    await psql("CREATE EXTENSION pg_stat_statements");
    assert.match(await psql("SELECT count(*) FROM pg_stat_statements"), /^\d+$/);
  });

  it("is the version that is pinned, and has its tools beside it", async () => {
    const [major = ""] = debianTrees.postgresql.atLeast.split(".");
    for (const command of ["postgres", "initdb", "pg_dump", "psql"]) {
      assert.match(await run(command, ["--version"]), new RegExp(`\\(PostgreSQL\\) ${major}\\.`));
    }
    assert.match(await run("pgbackrest", ["version"]), /^pgBackRest 2\./);
  });

  it("lets nobody but its superuser in without a password", async () => {
    await psql("CREATE ROLE somebody LOGIN");
    await assert.rejects(psql("SELECT 1", "somebody"), /no password supplied/);
  });

  it("keeps what was committed when it crashes", async () => {
    await psql("CREATE TABLE kept AS SELECT 1 AS number");
    await postgresql?.crash();
    assert.equal(await psql("SELECT number FROM kept"), "1");
  });
});

async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(path.join(process.env["POSTGRESQL_BIN"] ?? "", command), args);
  return stdout.trim();
}
