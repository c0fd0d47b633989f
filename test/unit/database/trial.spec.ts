import assert from "node:assert/strict";
import { fingerprintOf } from "../../../database/fingerprint";
import { DatabaseError } from "../../../database/host";
import { lostRows } from "../../../database/lostRows";
import type { SqlSession } from "../../../database/session";
import { type Trial, tryDown, tryStep } from "../../../database/trial";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

const schema = `
CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, age int);
CREATE TABLE "Orders" (id int PRIMARY KEY, user_id bigint REFERENCES users);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL);
INSERT INTO users (name, age) SELECT 'user ' || i, i FROM generate_series(1, 300) i;
INSERT INTO "Orders" SELECT i, i FROM generate_series(1, 50) i;
`;

/** A service's own migrations, as SQL. */
interface Step {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

describe("the trial of a step, on a real PostgreSQL", function () {
  this.timeout(60_000);

  let servers: readonly TestPostgresql[] = [];
  let admin: (database?: string) => SqlSession;
  before(async function () {
    const server = await startPostgresqlOrSkip(this);
    servers = [server];
    const { host, port, superuser } = server;
    admin = (database) => openPsqlSession({ host, port, user: superuser, ...(database && { database }) });
    await admin().run("CREATE ROLE owner LOGIN PASSWORD 'owner'; CREATE DATABASE kept OWNER owner");
    await owner("kept").run(schema);
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  function owner(database: string): SqlSession {
    const [server] = servers;
    assert.ok(server);
    return openPsqlSession({
      host: server.host,
      port: server.port,
      user: "owner",
      password: "owner",
      database,
    });
  }

  async function trial(step: Step): Promise<Trial> {
    await admin().run("CREATE DATABASE shadow TEMPLATE kept OWNER owner");
    try {
      return await tryStep({
        session: admin("shadow"),
        role: "owner",
        run: async (action) => {
          for (const statement of step[action]) await owner("shadow").run(`${statement};`);
        },
        onProgress: () => {},
        signal: new AbortController().signal,
      });
    } finally {
      await admin().run("DROP DATABASE shadow");
    }
  }

  const expand: Step = {
    up: [
      "ALTER TABLE users ADD COLUMN phone text",
      "CREATE INDEX CONCURRENTLY users_phone ON users (phone)",
      "CREATE TABLE teams (id bigserial PRIMARY KEY, name text)",
      "INSERT INTO teams (name) SELECT name FROM users WHERE id <= 20",
      "BEGIN; UPDATE users SET phone = 'none'; INSERT INTO goose_db_version (version_id) VALUES (1); COMMIT",
    ],
    down: [
      "DROP TABLE teams; DROP INDEX users_phone; ALTER TABLE users DROP COLUMN phone; DELETE FROM goose_db_version",
    ],
  };

  it("tells what a step runs, which locks it holds, that all rows are kept, and that its down leads back", async () => {
    const found = await trial(expand);
    const { before: from, after: to, kind, refused, reversible, irreversible, gone } = found;
    assert.notEqual(from, to);
    assert.deepEqual(
      { kind, refused, reversible, irreversible, gone },
      { kind: "expand", refused: [], reversible: true, irreversible: undefined, gone: [] },
    );
    assert.deepEqual(
      found.statements.map(({ statement, calls, rows }) => ({ statement, calls, rows })).sort(byStatement),
      [
        { statement: "ALTER TABLE users ADD COLUMN phone text", calls: 1, rows: 0 },
        { statement: "BEGIN", calls: 1, rows: 0 },
        { statement: "COMMIT", calls: 1, rows: 0 },
        { statement: "CREATE INDEX CONCURRENTLY users_phone ON users (phone)", calls: 1, rows: 0 },
        { statement: "CREATE TABLE teams (id bigserial PRIMARY KEY, name text)", calls: 1, rows: 0 },
        { statement: "INSERT INTO goose_db_version (version_id) VALUES ($1)", calls: 1, rows: 1 },
        {
          statement: "INSERT INTO teams (name) SELECT name FROM users WHERE id <= $1",
          calls: 1,
          rows: 20,
        },
        { statement: "UPDATE users SET phone = $1", calls: 1, rows: 300 },
      ],
    );
    assert.deepEqual(found.locks, [{ relation: "public.users", mode: "AccessExclusiveLock" }]);
    assert.deepEqual(
      found.tables.map(({ table, rows }) => ({ table, rows })),
      [
        { table: 'public."Orders"', rows: 50 },
        { table: "public.users", rows: 300 },
      ],
    );
  });

  it("has the same fingerprints whenever it is tried again", async () => {
    const [first, second] = [await trial(expand), await trial(expand)];
    assert.deepEqual([first.before, first.after, first.tables], [second.before, second.after, second.tables]);
  });

  it("says what a contract step takes away, and that its down doesn't bring that back", async () => {
    const found = await trial({
      up: ["ALTER TABLE users DROP COLUMN age"],
      down: ["ALTER TABLE users ADD COLUMN age int"],
    });
    assert.equal(found.kind, "contract");
    assert.deepEqual(
      found.refused.map(({ found: what }) => what),
      ["ALTER TABLE public.users: DROP COLUMN age"],
    );
    assert.deepEqual(found.gone, ["public.users.age"]);
    assert.deepEqual(found.reversible, false);
    assert.match(found.irreversible ?? "", /its down leaves other data than there was:\n {2}public.users/);
  });

  it("sees a table that is written anew, where the list can't", async () => {
    const found = await trial({
      up: ["ALTER TABLE users ADD COLUMN score positive DEFAULT 1, ADD COLUMN other positive"],
      down: ["ALTER TABLE users DROP COLUMN score, DROP COLUMN other"],
    });
    assert.equal(found.kind, "contract");
    assert.deepEqual(
      found.refused.map(({ found: what }) => what),
      ["public.users was written anew"],
    );
  });

  it("sees what a function does that a step calls", async () => {
    const found = await trial({
      up: ["DO $$ BEGIN DELETE FROM goose_db_version WHERE version_id = 7; END $$"],
      down: ["SELECT 1"],
    });
    assert.deepEqual(found.refused.map(({ found: what }) => what).sort(), ["DELETE", "DO"]);
  });

  const wrong: Readonly<Record<string, { readonly step: Step; readonly says: RegExp }>> = {
    "changes a row": {
      step: { up: ["UPDATE users SET name = 'x' WHERE id = 7"], down: [] },
      says: /^the step changes what was there before:\n {2}public.users: found other content \(name\) in its 300 rows, expected the same$/,
    },
    "lets two rows change places": {
      step: { up: ["UPDATE users SET age = CASE age WHEN 1 THEN 2 ELSE 1 END WHERE age < 3"], down: [] },
      says: /found other content \(other rows\)/,
    },
    "takes a row away": {
      step: { up: ['DELETE FROM "Orders" WHERE id = 3'], down: [] },
      says: /public."Orders": found 49 rows, expected 50$/,
    },
    fails: {
      step: { up: ["ALTER TABLE users ADD CONSTRAINT c CHECK (age > 5)"], down: [] },
      says: /check constraint "c" of relation "users" is violated by some row/,
    },
  };
  for (const [what, { step, says }] of Object.entries(wrong)) {
    it(`refuses one that ${what}`, async () => {
      await assert.rejects(trial(step), (error) => {
        assert.ok(error instanceof DatabaseError);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  describe("of the way back alone", () => {
    const back = (down: readonly string[]): Promise<readonly string[]> =>
      tryDown(
        {
          session: admin("shadow"),
          run: async () => {
            for (const statement of down) await owner("shadow").run(`${statement};`);
          },
          onProgress: () => {},
          signal: new AbortController().signal,
        },
        first,
      );
    let first = "";
    beforeEach(async () => {
      await admin().run("CREATE DATABASE shadow TEMPLATE kept OWNER owner");
      first = await fingerprintOf(admin("shadow"));
      await owner("shadow").run(`
        ALTER TABLE users ADD COLUMN phone text;
        UPDATE users SET phone = 'n' || chr(10) || id WHERE id <= 2;
        CREATE TABLE "Teams" (id int, name text);
        INSERT INTO "Teams" VALUES (1, 'it''s');
      `);
    });
    afterEach(() => admin().run("DROP DATABASE shadow"));

    it("tells what goes, and each row of that with its key", async () => {
      const lost: unknown[] = [];
      const gone = ['public."Teams"', "public.users.phone"];
      for await (const line of lostRows(admin("shadow"), gone)) lost.push(JSON.parse(line));
      assert.deepEqual(lost, [
        { table: 'public."Teams"', row: { id: 1, name: "it's" } },
        { table: "public.users", row: { id: 1, phone: "n\n1" } },
        { table: "public.users", row: { id: 2, phone: "n\n2" } },
      ]);
      const down = ['DROP TABLE "Teams"', "ALTER TABLE users DROP COLUMN phone"];
      assert.deepEqual([...(await back(down))].sort(), gone);
    });

    it("is refused where it leads elsewhere, or changes what it leaves", async () => {
      await assert.rejects(back(['DROP TABLE "Teams"']), /down leaves another schema/);
      const down = ["ALTER TABLE users DROP COLUMN phone", "UPDATE users SET age = 1 WHERE id = 7"];
      await assert.rejects(back(down), /down changes what it leaves:\n {2}public.users: found other content/);
    });
  });

  const oneWay: Readonly<Record<string, { readonly step: Step; readonly says: RegExp }>> = {
    "whose down fails": {
      step: { up: ["CREATE TABLE teams (id int)"], down: ["DROP TABLE team"] },
      says: /^its down fails: .*table "team" does not exist/,
    },
    "whose down forgets something": {
      step: { up: ["CREATE TABLE teams (id int)", "CREATE TABLE more (id int)"], down: ["DROP TABLE teams"] },
      says: /^its down leaves another schema than there was$/,
    },
    "that runs only once": {
      step: {
        up: ["CREATE TABLE teams (id int)", "INSERT INTO goose_db_version (id, version_id) VALUES (1, 1)"],
        down: ["DROP TABLE teams"],
      },
      says: /^its up fails: .*duplicate key/,
    },
  };
  for (const [which, { step, says }] of Object.entries(oneWay)) {
    it(`finds no way back for one ${which}`, async () => {
      const { reversible, irreversible } = await trial(step);
      assert.equal(reversible, false);
      assert.match(irreversible ?? "", says);
    });
  }
});

function byStatement(a: { readonly statement: string }, b: { readonly statement: string }): number {
  return a.statement < b.statement ? -1 : 1;
}
