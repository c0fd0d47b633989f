import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import path from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { accessSql } from "../../../database/access";
import { passwordOf, userOf } from "../../../database/password";
import { type DatabaseRole, databaseName } from "../../../database/roles";
import type { SqlSession } from "../../../database/session";
import { BACKENDS } from "../../../migration";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

const target = "auth-service";
const database = databaseName(target);
const secret = "correct horse battery staple";
const access = { target, mode: "read-write", secret, connections: 3 } as const;
const readOnly = { ...access, mode: "read-only" } as const;

describe("passwords", () => {
  it("are the same for the same secret, and differ by target, role and secret", () => {
    assert.equal(passwordOf(secret, target, "blue"), passwordOf(secret, target, "blue"));
    const all = [
      passwordOf(secret, target, "blue"),
      passwordOf(secret, target, "green"),
      passwordOf(secret, target, "admin"),
      passwordOf(secret, "automation", "blue"),
      passwordOf(`${secret}.`, target, "blue"),
    ];
    assert.equal(new Set(all).size, all.length);
    assert.match(all[0] ?? "", /^[0-9a-f]{64}$/);
  });
});

describe("what makes a target's database its own", () => {
  let server: TestPostgresql;
  let stop = (): Promise<void> => Promise.resolve();
  let admin: SqlSession;

  before(async function () {
    this.timeout(60_000);
    server = await startPostgresqlOrSkip(this);
    stop = () => server.stop();
    admin = openPsqlSession({ ...server, user: server.superuser });
    await admin.run(accessSql(access));
  });
  after(() => stop());

  function as(role: DatabaseRole): SqlSession {
    const password = passwordOf(secret, target, role);
    return openPsqlSession({ ...server, user: userOf(target, role), password, database });
  }

  it("lets each role connect with its password, and with no other", async () => {
    for (const role of ["owner", "monitor", ...BACKENDS] as const) await as(role).run("SELECT 1");
    const wrong = openPsqlSession({ ...server, user: userOf(target, "blue"), password: "x", database });
    await assert.rejects(wrong.run("SELECT 1"), /password authentication failed/);
  });

  it("is harmless to run again, in either mode", async () => {
    const state = `SELECT (SELECT json_agg(r ORDER BY rolname) FROM (SELECT rolname, rolcanlogin, rolconnlimit, rolpassword FROM pg_authid) r)::text
      || (SELECT json_agg(m ORDER BY 1) FROM (SELECT roleid::regrole::text || member::regrole::text AS m FROM pg_auth_members) m)::text AS state`;
    const schema = z.object({ state: z.string() });
    const before = await admin.rows(state, schema);
    await admin.run(accessSql(access));
    assert.deepEqual(await admin.rows(state, schema), before);
    await admin.run(accessSql(readOnly));
    await admin.run(accessSql(readOnly));
    await admin.run(accessSql(access));
    assert.deepEqual(await admin.rows(state, schema), before);
  });

  it("lets backends read and write what the owner makes later, and make nothing themselves", async () => {
    await as("owner").run("CREATE TABLE made_later (id bigserial PRIMARY KEY, by text)");
    for (const backend of BACKENDS) {
      await as(backend).run(`INSERT INTO made_later (by) VALUES ('${backend}')`);
      await assert.rejects(
        as(backend).run("CREATE TABLE own (id int)"),
        /permission denied for schema public/,
      );
      await assert.rejects(as(backend).run("DROP TABLE made_later"), /must be owner/);
    }
    const rows = await as("green").rows(
      "SELECT by FROM made_later ORDER BY id",
      z.object({ by: z.string() }),
    );
    assert.deepEqual(
      rows.map(({ by }) => by),
      [...BACKENDS],
    );
  });

  it("gives the steps two seconds for a lock", async () => {
    const [row] = await as("owner").rows(
      "SELECT current_setting('lock_timeout') AS timeout",
      z.object({ timeout: z.string() }),
    );
    assert.equal(row?.timeout, "2s");
  });

  it("lets what watches it read what PostgreSQL counts, and no table", async () => {
    await as("monitor").run("SELECT count(*) FROM pg_stat_statements");
    await assert.rejects(as("monitor").run("SELECT * FROM made_later"), /permission denied/);
  });

  it("keeps others out: a role that isn't the target's can't even connect", async () => {
    await admin.run("CREATE ROLE stranger LOGIN PASSWORD 'stranger'");
    const stranger = openPsqlSession({ ...server, user: "stranger", password: "stranger", database });
    await assert.rejects(stranger.run("SELECT 1"), /permission denied for database/);
  });

  describe("read-only", () => {
    afterEach(() => admin.run(accessSql(access)));

    it("holds for the next statement of sessions that are open, in a transaction or not, and no longer than asked", async () => {
      await as("owner").run("CREATE TABLE held (id bigserial PRIMARY KEY, n int)");
      const idle = openSession("blue");
      const inTransaction = openSession("legacy");
      await idle.ask("INSERT INTO held (n) VALUES (1)");
      await inTransaction.ask("BEGIN");
      await inTransaction.ask("INSERT INTO held (n) VALUES (2)");

      await admin.run(accessSql(readOnly));
      assert.match(await idle.ask("INSERT INTO held (n) VALUES (3)"), /permission denied for table held/);
      assert.match(await idle.ask("SELECT nextval('held_id_seq')"), /permission denied for sequence/);
      assert.match(await idle.ask("UPDATE held SET n = 4"), /permission denied/);
      assert.match(await idle.ask("DELETE FROM held"), /permission denied/);
      assert.doesNotMatch(await idle.ask("SELECT count(*) FROM held"), /denied/);
      assert.match(await inTransaction.ask("INSERT INTO held (n) VALUES (5)"), /permission denied/);
      await inTransaction.ask("ROLLBACK");

      await as("owner").run("CREATE TABLE made_meanwhile (n int)");
      assert.match(await idle.ask("INSERT INTO made_meanwhile VALUES (1)"), /permission denied/);
      assert.doesNotMatch(await idle.ask("SELECT * FROM made_meanwhile"), /denied/);

      await admin.run(accessSql(access));
      for (const table of ["held (n)", "made_meanwhile"]) {
        assert.doesNotMatch(await idle.ask(`INSERT INTO ${table} VALUES (6)`), /denied/);
      }
      await Promise.all([idle.close(), inTransaction.close()]);
    });
  });

  it("needs no superuser: RDS's admin only makes roles and databases", async () => {
    // That admin may make the extension too, which only a superuser may here.
    const extended = openPsqlSession({ ...server, user: server.superuser, database: "template1" });
    await extended.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    await admin.run("CREATE ROLE like_rds LOGIN CREATEROLE CREATEDB PASSWORD 'like_rds'");
    const likeRds = openPsqlSession({ ...server, user: "like_rds", password: "like_rds" });
    const other = { ...access, target: "automation" } as const;
    for (const mode of ["read-write", "read-only", "read-write"] as const) {
      await likeRds.run(accessSql({ ...other, mode }));
    }
    const user = userOf("automation", "blue");
    const password = passwordOf(secret, "automation", "blue");
    await openPsqlSession({ ...server, user, password, database: "automation" }).run("SELECT 1");
  });

  it("refuses the connection after the last that a role may have", async () => {
    const sessions = Array.from({ length: access.connections }, () => openSession("blue"));
    for (const session of sessions) await session.ask("SELECT 1");
    await assert.rejects(as("blue").run("SELECT 1"), /too many connections for role/);
    await as("green").run("SELECT 1");
    await Promise.all(sessions.map((session) => session.close()));
  });

  /** A psql that stays connected: `ask` gives all that it says to one statement. */
  function openSession(role: DatabaseRole): { ask(sql: string): Promise<string>; close(): Promise<void> } {
    const child = spawn(
      path.join(process.env["POSTGRESQL_BIN"] ?? "", "psql"),
      ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"],
      {
        env: {
          PGHOST: server.host,
          PGPORT: String(server.port),
          PGUSER: userOf(target, role),
          PGPASSWORD: passwordOf(secret, target, role),
          PGDATABASE: database,
        },
      },
    );
    const lines: string[] = [];
    const waiting = new Map<string, () => void>();
    const hear = (line: string): void => {
      lines.push(line);
      waiting.get(line)?.();
    };
    createInterface({ input: child.stdout }).on("line", hear);
    createInterface({ input: child.stderr }).on("line", hear);
    let asked = 0;
    return {
      async ask(sql) {
        const [from, end] = [lines.length, `end of ${++asked}`];
        const done = new Promise<void>((resolve) => waiting.set(end, resolve));
        child.stdin.write(`${sql};\n\\warn ${end}\n`);
        await done;
        return lines.slice(from).join("\n");
      },
      async close() {
        const closed = once(child, "close");
        child.stdin.end();
        await closed;
      },
    };
  }
});

describe("the statements of access", () => {
  it("hold nothing that connects, whatever the secret", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 16, maxLength: 40 }), (chosen) => {
        const sql = accessSql({ ...access, secret: chosen });
        for (const role of ["owner", "monitor", ...BACKENDS] as const) {
          assert.ok(!sql.includes(passwordOf(chosen, target, role)));
        }
      }),
      { numRuns: 20 },
    );
  });
});
