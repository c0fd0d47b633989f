import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Try, finalTable, isClean, readReport, tryText, writeReport } from "../../soak/incidentReport";

const begun: Try = {
  ...{ incident: "a candidate that fails", percent: 25, hasBegun: true, held: true, wrong: 0 },
  ...{ requests: 1000, lostUntilBack: 40, lostAfter: 0, problems: [], seconds: 30 },
};
const well: Try = { ...begun, backAfter: 3.14 };
const missed: Try = { ...begun, incident: "a candidate that hangs" };
const moved: Try = { ...missed, held: false, hasBegun: false, wrong: 1 };

/** A row's cells. */
const cells = (text: string, start: string): string[] =>
  text
    .split("\n")
    .find((line) => line.startsWith(start))
    ?.split(/ {2,}/) ?? [];

describe("the report of the soak of incidents", () => {
  it("counts what was missed and what was rolled back wrongly, by incident and in all", () => {
    const text = finalTable({ seed: 6, tries: [well, { ...well, backAfter: 5 }, missed, moved] });
    assert.deepEqual(cells(text, "a candidate that fails").slice(1), [
      ...["2", "2 of 2", "0", "0", "3.1 s", "5.0 s", "5.0 s", "40", "40", "0", "0"],
    ]);
    assert.deepEqual(cells(text, "a candidate that hangs").slice(1, 5), ["2", "1 of 2", "1", "1"]);
    assert.deepEqual(cells(text, "all").slice(1, 5), ["4", "3 of 4", "1", "1"]);
    assert.match(text, /^seed 6, 4 tries, 4,000 requests, 2\.0 min$/m);
  });

  it("is clean only when nothing was missed, wrong, lost afterwards or otherwise odd", () => {
    const clean = (each: Try): boolean => isClean({ seed: 6, tries: [well, each] });
    assert.ok(clean(well));
    const others = [missed, moved, { ...well, lostAfter: 1 }, { ...well, problems: ["the state differs"] }];
    for (const other of others) assert.ok(!clean(other), tryText(other));
  });

  it("says of a try what became of it", () => {
    assert.equal(
      tryText(well),
      "a candidate that fails, at 25 %: back after 3.1 s, 40 of 1000 lost until then",
    );
    assert.match(tryText(missed), /: MISSED, /);
    assert.match(tryText(moved), /: not begun, .*moved by what must move nothing, 1 FALSE$/);
  });

  it("is there again for the next run", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "soak-"));
    try {
      const file = path.join(folder, "report.json");
      assert.equal(readReport(file), undefined);
      writeReport(file, { seed: 6, tries: [well, missed] });
      assert.deepEqual(readReport(file), { seed: 6, tries: [well, missed] });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
