import assert from "node:assert/strict";
import { trialText } from "../../../cutover/trialView";
import type { Trial } from "../../../database/trial";

const trial: Trial = {
  before: "b",
  after: "a",
  kind: "expand",
  refused: [],
  reversible: true,
  irreversible: undefined,
  seconds: 1.234,
  statements: [
    { statement: "UPDATE users\n  SET phone = $1", calls: 1, seconds: 0.5, rows: 300 },
    { statement: "ALTER TABLE users ADD COLUMN phone text", calls: 12, seconds: 0.0012, rows: 0 },
  ],
  locks: [{ relation: "public.users", mode: "AccessExclusiveLock" }],
  tables: [
    { table: "public.users", rows: 300, checksum: "1" },
    { table: "public.teams", rows: 5, checksum: "2" },
  ],
  gone: [],
};

describe("what a trial has shown, for people", () => {
  it("is each statement, each lock, and that every row is as it was", () => {
    assert.equal(
      trialText("auth-service", trial),
      `auth-service: expand step, 1.2 s

calls  seconds  rows  statement
    1    0.500   300  UPDATE users SET phone = $1
   12    0.001     0  ALTER TABLE users ADD COLUMN phone text

lock                 on
AccessExclusiveLock  public.users

2 tables with 305 rows are as they were.
Its down leads back, with every row as it was.`,
    );
  });

  it("is what is gone, why there is no way back, and what isn't expand", () => {
    const statement = `DROP TABLE ${"x".repeat(100)}`;
    const text = trialText("auth-service", {
      ...trial,
      kind: "contract",
      locks: [],
      gone: ["public.users.age"],
      irreversible: "its down fails: no",
      refused: [{ statement, found: "DROP", why: "it is none" }],
    });
    assert.ok(
      text.endsWith(`
No lock on what was there before.

2 tables with 305 rows are as they were.
Gone with the step: public.users.age.
There is no way back by its down: its down fails: no

not expand: DROP
  ${statement.slice(0, 89)}…
  it is none`),
      text,
    );
  });
});
