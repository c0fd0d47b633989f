import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Try, finalTable, isClean, readReport, tryText, writeReport } from "../../soak/dataReport";

const well: Try = {
  ...{
    name: 'down: cutover at "backup running"',
    killsPostgresql: false,
    outcome: "done by the same command",
  },
  ...{ lost: 0, doubled: 0, stallMs: 90, failedAnswers: 0, problems: [], seconds: 30 },
};
const server: Try = {
  ...{ ...well, name: 'down: PostgreSQL at "backup running"', killsPostgresql: true },
  ...{ stallMs: 3100, failedAnswers: 12 },
};
const report = (...tries: Try[]) => ({ seed: 6, rounds: 2, tries });

describe("the report of the soak of a step's way", () => {
  it("counts outcomes, what was lost and the longest write, by case and in all", () => {
    const text = finalTable(report(well, { ...well, stallMs: 120, outcome: "done all the same" }, server));
    assert.match(
      text,
      /^down: cutover at "backup running" +2 +1 done all the same, 1 done by the same command +0 +0 +120 ms +0$/m,
    );
    assert.match(text, /^all +3 +1 done all the same, 2 done by the same command +0 +0 +3100 ms +0$/m);
    assert.match(text, /^longest write: 120 ms, and 3100 ms where PostgreSQL was killed$/m);
    assert.match(text, /^seed 6, 2 ways there and back, 3 kills, 1\.5 min$/m);
  });

  it("is clean only when nothing was lost, doubled or otherwise odd, and no answer failed but PostgreSQL's", () => {
    assert.ok(isClean(report(well, server)));
    for (const other of [
      { ...well, lost: 1 },
      { ...well, doubled: 1 },
      { ...well, failedAnswers: 1 },
      { ...server, problems: ["left over: a pod"] },
    ]) {
      assert.ok(!isClean(report(well, other)), tryText(other));
      assert.ok(finalTable(report(well, other)).endsWith(tryText(other)));
    }
  });

  it("is there again for the next run", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "soak-"));
    try {
      const file = path.join(folder, "out", "report.json");
      assert.equal(readReport(file), undefined);
      writeReport(file, report(well));
      assert.deepEqual(readReport(file), report(well));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
