import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import type { SqlSession } from "../../../database/session";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

describe("An SQL session", function () {
  this.timeout(60_000);
  let server: TestPostgresql;
  let session: SqlSession;

  before(async function () {
    server = await startPostgresqlOrSkip(this);
    session = openPsqlSession({ host: server.host, port: server.port, user: server.superuser });
  });

  after(async () => {
    await session.close();
    await server.stop();
  });

  it("answers rows as what their columns are", async () => {
    const rows = await session.rows(
      "SELECT n, n > 1 AS big, NULL AS nothing, 'tab\t' || chr(10) || 'line' AS text, json '[1,\n2]' AS json FROM generate_series(1, 2) n",
      z.strictObject({
        n: z.int(),
        big: z.boolean(),
        nothing: z.null(),
        text: z.string(),
        json: z.array(z.int()),
      }),
    );
    assert.deepEqual(rows, [
      { n: 1, big: false, nothing: null, text: "tab\t\nline", json: [1, 2] },
      { n: 2, big: true, nothing: null, text: "tab\t\nline", json: [1, 2] },
    ]);
  });

  it("brings any text back as it was stored", async () => {
    await session.run("CREATE TABLE texts (id serial PRIMARY KEY, text text)");
    // PostgreSQL has no NUL, and no halves of characters.
    const text = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom("\r", "\n", "\u2028", "\\", '"', "'"),
          fc.string({ unit: "binary", maxLength: 1 }),
        ),
      })
      .filter((each) => !each.includes("\0"));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (texts) => {
        const values = texts.map((each) => `('${each.replaceAll("'", "''")}')`).join(",");
        await session.run(
          `TRUNCATE texts; ${texts.length === 0 ? "" : `INSERT INTO texts (text) VALUES ${values}`}`,
        );
        const rows = await session.rows(
          "SELECT text FROM texts ORDER BY id",
          z.strictObject({ text: z.string() }),
        );
        assert.deepEqual(
          rows.map((row) => row.text),
          texts,
        );
      }),
      { numRuns: 30 },
    );
  });

  it("streams more than fits into a buffer, in order, and can be left in the middle", async () => {
    let expected = 1;
    for await (const line of session.lines("SELECT n FROM generate_series(1, 200000) n")) {
      assert.equal(line, String(expected++));
    }
    assert.equal(expected, 200_001);
    for await (const line of session.lines("SELECT n FROM generate_series(1, 10000000) n")) {
      if (line === "5") break;
    }
    assert.deepEqual(await session.rows("SELECT 1 AS one", z.object({ one: z.int() })), [{ one: 1 }]);
  });

  it("stops at the first statement that fails, and says it in PostgreSQL's own words", async () => {
    await assert.rejects(session.run("CREATE TABLE a (); SELECT * FROM missing; CREATE TABLE b ()"), {
      name: "DatabaseError",
      message: /^ERROR: +relation "missing" does not exist/,
    });
    const tables = await session.rows(
      "SELECT tablename FROM pg_tables WHERE tablename IN ('a', 'b')",
      z.object({ tablename: z.string() }),
    );
    assert.deepEqual(tables, [{ tablename: "a" }]);
    await assert.rejects(session.rows("SELECT 1 / 0 AS n", z.unknown()), { name: "DatabaseError" });
  });

  it("says that it can't connect", async () => {
    const nobody = openPsqlSession({ host: server.host, port: server.port, user: "nobody", password: "x" });
    await assert.rejects(nobody.run("SELECT 1"), { name: "DatabaseError", message: /authentication failed/ });
  });
});
