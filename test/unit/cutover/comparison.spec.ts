import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { comparisonText, differenceFile, unanswered, uncomparedText } from "../../../cutover/comparison";
import { restoredInstance } from "../../../cutover/restore";
import type { TableComparison } from "../../../database/compare";

describe("What a restore's comparison says", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "comparison-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const same: TableComparison = {
    table: "public.same",
    rows: { live: 3, restored: 3 },
    only: { live: 0, restored: 0 },
    differing: 0,
  };
  const other: TableComparison = {
    table: "public.users",
    rows: { live: 2, restored: 2 },
    only: { live: 1, restored: 0 },
    differing: 1,
  };

  it("is every row that differs, a line each, in a file that only its owner can read", async () => {
    const name = path.join(folder, "rows.jsonl");
    fs.writeFileSync(name, "of before", { mode: 0o644 });
    const file = differenceFile(name);
    await file.write({ table: "public.users", only: "live", row: '{"id":90071992547409931}' });
    await file.write({ table: "public.users", live: '{"id":2}', restored: '{"id":2, "a":null}' });
    const compared = await file.finish([same, other]);
    await file.close();
    assert.deepEqual(compared, { tables: [other], summary: "1 of 2 tables differ", file: name });
    assert.equal(
      fs.readFileSync(name, "utf8"),
      '{"table":"public.users","only":"live","row":{"id":90071992547409931}}\n{"table":"public.users","live":{"id":2},"restored":{"id":2, "a":null}}\n',
    );
    assert.equal(fs.statSync(name).mode & 0o777, 0o600);
    assert.equal(
      comparisonText(compared),
      `  public.users: 1 rows only in the one in use, 0 only in what was restored, 1 differ\n  Every one of these rows is in ${name}: keep it, it is not shown again.`,
    );
  });

  it("is no file where nothing differs", async () => {
    const name = path.join(folder, "rows.jsonl");
    const file = differenceFile(name);
    const compared = await file.finish([same]);
    await file.close();
    assert.deepEqual(compared, { tables: [], summary: "all 1 tables are the same" });
    assert(!fs.existsSync(name));
    assert.match(comparisonText(compared), /^Nothing was written since/);
  });

  it("tells of a table that one side lacks, even an empty one", async () => {
    const file = differenceFile(path.join(folder, "rows.jsonl"));
    const compared = await file.finish([{ ...same, rows: { live: undefined, restored: 0 } }]);
    await file.close();
    assert.match(comparisonText(compared), /public\.same: .*; the one in use has no such table$/);
  });

  it("says loudly what can't be listed, and never that nothing was written", async () => {
    const dead = unanswered("connection refused");
    assert.equal(
      comparisonText(dead),
      "WHAT WAS WRITTEN SINCE CAN'T BE LISTED; it is kept with the volume of the one in use.\n  the one in use doesn't answer: connection refused",
    );
    const file = differenceFile(path.join(folder, "rows.jsonl"));
    const rows = { live: undefined, restored: undefined };
    const compared = await file.finish([same, { ...same, table: "public.lost", rows, unread: "no page" }]);
    await file.close();
    assert.equal(compared.summary, "0 of 2 tables differ, 1 can't be read");
    assert.match(
      comparisonText(compared),
      /^ {2}public\.lost: 0 rows only in the one in use, .*, as far as it can be read\nWHAT WAS WRITTEN SINCE CAN'T BE LISTED; .*\n {2}the one in use can't read public\.lost: no page$/,
    );
    assert.equal(uncomparedText({ ...compared, tables: [same] }), undefined);
  });

  it("is of an instance that is named by its moment", () => {
    const named = (time: string): string => restoredInstance("auth-service", new Date(time));
    assert.equal(named("2025-08-11T09:00:00Z"), "auth-service-postgresql-20250811-090000");
    assert.equal(named("2025-08-11T09:00:00.050Z"), "auth-service-postgresql-20250811-090000-050");
  });
});
