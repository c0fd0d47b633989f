import assert from "node:assert/strict";
import fs from "node:fs";
import fc from "fast-check";
import { z } from "zod";
import {
  type Difference,
  type Side,
  type Sides,
  type TableComparison,
  compareDatabases,
} from "../../../database/compare";
import type { SqlSession } from "../../../database/session";
import { createStepRecord } from "../../../database/stepRecord";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

describe("Comparing a database with a restored one", function () {
  this.timeout(120_000);
  let server: TestPostgresql;
  let admin: SqlSession;
  let sessions: Sides<SqlSession>;

  before(async function () {
    server = await startPostgresqlOrSkip(this);
    admin = open("postgres");
    sessions = { live: open("live"), restored: open("restored") };
  });

  beforeEach(async () => {
    for (const name of ["live", "restored"]) {
      await admin.run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE); CREATE DATABASE ${name}`);
    }
  });

  after(() => server.stop());

  function open(database: string): SqlSession {
    return openPsqlSession({ host: server.host, port: server.port, user: server.superuser, database });
  }

  async function inBoth(sql: string): Promise<void> {
    await Promise.all([sessions.live.run(sql), sessions.restored.run(sql)]);
  }

  async function compare(): Promise<{ tables: readonly TableComparison[]; found: unknown[] }> {
    const found: Difference[] = [];
    const tables = await compareDatabases(sessions, (difference) => {
      found.push(difference);
      return Promise.resolve();
    });
    return { tables, found: found.map(parsed) };
  }

  it("finds nothing where all is the same, whatever the order of its rows and the settings of its database", async () => {
    const table = "CREATE TABLE t (id int PRIMARY KEY, at timestamptz, n float8, t json, bytes bytea)";
    const rows =
      "id, '2026-01-01'::date + id * interval '1 s', 1.0 / id, '[1,\n2]', decode(md5(id::text), 'hex')";
    await sessions.live.run(`${table}; INSERT INTO t SELECT ${rows} FROM generate_series(1, 1000) id`);
    await sessions.restored.run(
      `${table}; INSERT INTO t SELECT ${rows} FROM generate_series(1, 1000) id ORDER BY id DESC; ALTER DATABASE restored SET timezone = 'Asia/Tokyo'; ALTER DATABASE restored SET bytea_output = 'escape'`,
    );
    assert.deepEqual(await compare(), {
      tables: [
        {
          table: "public.t",
          rows: { live: 1000, restored: 1000 },
          only: { live: 0, restored: 0 },
          differing: 0,
        },
      ],
      found: [],
    });
  });

  it("tells of a table that only one has, and compares the columns that both have", async () => {
    await sessions.live.run(
      `CREATE TABLE "New ""one""" (t text); INSERT INTO "New ""one""" VALUES ('a'), ('a'); CREATE TABLE wider (id int PRIMARY KEY, added text DEFAULT 'x'); INSERT INTO wider VALUES (1), (2)`,
    );
    await sessions.restored.run("CREATE TABLE wider (id int PRIMARY KEY); INSERT INTO wider VALUES (1)");
    assert.deepEqual(await compare(), {
      tables: [
        {
          table: 'public."New ""one"""',
          rows: { live: 2, restored: undefined },
          only: { live: 2, restored: 0 },
          differing: 0,
        },
        {
          table: "public.wider",
          rows: { live: 2, restored: 1 },
          only: { live: 1, restored: 0 },
          differing: 0,
        },
      ],
      found: [
        { table: 'public."New ""one"""', only: "live", row: { t: "a" } },
        { table: 'public."New ""one"""', only: "live", row: { t: "a" } },
        { table: "public.wider", only: "live", row: { id: 2, added: "x" } },
      ],
    });
  });

  it("leaves out what is noted of steps, which isn't the service's and which its roles may not read", async () => {
    await sessions.live.run(createStepRecord);
    assert.deepEqual(await compare(), { tables: [], found: [] });
  });

  it("goes on beside a table that the one in use can't read any more, and tells why", async () => {
    await inBoth("CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE lost (id int PRIMARY KEY)");
    await inBoth("INSERT INTO lost VALUES (1); CHECKPOINT");
    await sessions.live.run("INSERT INTO good VALUES (1)");
    const [file] = await sessions.live.rows(
      "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('lost') AS path",
      z.object({ path: z.string() }),
    );
    fs.rmSync(file?.path ?? "");
    const { tables, found } = await compare();
    assert.deepEqual(found, [{ table: "public.good", only: "live", row: { id: 1 } }]);
    const [good, lost, ...others] = tables;
    assert.deepEqual(
      [good?.table, good?.unread, lost?.table, others],
      ["public.good", undefined, "public.lost", []],
    );
    assert.match(lost?.unread ?? "", /could not open file/);
  });

  it("misses nothing and invents nothing, whatever was edited", async () => {
    const text = fc.option(fc.string({ unit: "binary" }).filter((each) => !each.includes("\0")));
    const row = fc
      .record({ id: fc.integer({ min: 0, max: 20 }), part: fc.integer({ min: 0, max: 2 }), text })
      .map((each) => ({ ...each }));
    const rows = fc.array(row, { maxLength: 40 });
    await inBoth(
      "CREATE TABLE single (id int PRIMARY KEY, part int, text text); CREATE TABLE double (id int, text text, part int, PRIMARY KEY (part, id)); CREATE TABLE whole (id int, part int, text text)",
    );
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.array(row, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        async (before, added, gone) => {
          const live = before;
          const restored = [...added, ...before].filter((_, index) => !gone.includes(index));
          await Promise.all([fill(sessions.live, live), fill(sessions.restored, restored)]);
          const { tables, found } = await compare();
          const expected = [
            ...expectedOf("single", live, restored, ({ id }) => `${id}`),
            ...expectedOf("double", live, restored, ({ id, part }) => `${id} ${part}`),
            ...expectedWhole("whole", live, restored),
          ].sort(byText);
          assert.deepEqual(found.sort(byText), expected);
          for (const { table, only, differing } of tables) {
            const own = expected.filter((each) => each.table === table);
            const count = (side: Side): number =>
              own.filter((each) => "only" in each && each.only === side).length;
            assert.deepEqual(only, { live: count("live"), restored: count("restored") });
            assert.equal(differing, own.filter((each) => !("only" in each)).length);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it("costs little where millions of rows are the same, and finds the one that is not", async () => {
    await inBoth(
      "CREATE TABLE big (id int PRIMARY KEY, text text); INSERT INTO big SELECT n, md5(n::text) FROM generate_series(1, 300000) n",
    );
    await sessions.live.run("UPDATE big SET text = 'other' WHERE id = 777");
    const asked: string[] = [];
    const counting: SqlSession = {
      rows: (sql, schema) => sessions.live.rows(sql, schema),
      run: (sql) => sessions.live.run(sql),
      close: () => Promise.resolve(),
      async *lines(sql) {
        for await (const line of sessions.live.lines(sql)) {
          asked.push(line);
          yield line;
        }
      },
    };
    const found: Difference[] = [];
    await compareDatabases({ ...sessions, live: counting }, (difference) => {
      found.push(difference);
      return Promise.resolve();
    });
    assert.equal(found.length, 1);
    assert(
      asked.length < 5000,
      `found ${asked.length} lines, expected those of the checksums and of one part`,
    );
  });
});

interface Row {
  readonly id: number;
  readonly part: number;
  readonly text: string | null;
}

/** The last one of a key counts. */
function byKey(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}

type Expected = { readonly table: string } & ({ readonly only: Side; readonly row: Row } | Sides<Row>);

function expectedOf(
  name: string,
  live: readonly Row[],
  restored: readonly Row[],
  keyOf: (row: Row) => string,
): Expected[] {
  const table = `public.${name}`;
  const [here, there] = [byKey(live, keyOf), byKey(restored, keyOf)];
  return [...new Set([...here.keys(), ...there.keys()])].flatMap((key): Expected[] => {
    const [one, other] = [here.get(key), there.get(key)];
    if (one && other) return textOf(one) === textOf(other) ? [] : [{ table, live: one, restored: other }];
    if (one) return [{ table, only: "live", row: one }];
    return other ? [{ table, only: "restored", row: other }] : [];
  });
}

function expectedWhole(name: string, live: readonly Row[], restored: readonly Row[]): Expected[] {
  const left = new Map<string, Row[]>();
  for (const row of restored) left.set(textOf(row), [...(left.get(textOf(row)) ?? []), row]);
  const onlyLive = live.filter((row) => left.get(textOf(row))?.pop() === undefined);
  const table = `public.${name}`;
  return [
    ...onlyLive.map((row): Expected => ({ table, only: "live", row })),
    ...[...left.values()].flat().map((row): Expected => ({ table, only: "restored", row })),
  ];
}

async function fill(session: SqlSession, rows: readonly Row[]): Promise<void> {
  const values = (some: Iterable<Row>): string =>
    [...some].map(({ id, part, text }) => `(${id}, ${part}, ${quoted(text)})`).join(", ");
  const insert = (table: string, some: Iterable<Row>): string =>
    rows.length === 0 ? "" : `INSERT INTO ${table} (id, part, text) VALUES ${values(some)};`;
  await session.run(
    `TRUNCATE single, double, whole; ${insert("single", byKey(rows, ({ id }) => `${id}`).values())} ${insert("double", byKey(rows, ({ id, part }) => `${id} ${part}`).values())} ${insert("whole", rows)}`,
  );
}

function quoted(text: string | null): string {
  return text === null ? "NULL" : `'${text.replaceAll("'", "''")}'`;
}

function textOf({ id, part, text }: Row): string {
  return JSON.stringify([id, part, text]);
}

function parsed(difference: Difference): unknown {
  const { table } = difference;
  const json = (text: string): unknown => z.looseObject({}).parse(JSON.parse(text));
  return "only" in difference
    ? { table, only: difference.only, row: json(difference.row) }
    : { table, live: json(difference.live), restored: json(difference.restored) };
}

function byText(one: unknown, other: unknown): number {
  const [a, b] = [one, other].map((each) => JSON.stringify(sorted(each)));
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .map(([key, each]) => [key, sorted(each)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
