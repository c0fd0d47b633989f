import assert from "node:assert/strict";
import type { FigureResult } from "../../../bench/figure";
import { renderFigure, rowsOf } from "../../../bench/report";

const result: FigureResult = {
  name: "rollback",
  title: "until the last old answer",
  measures: { "from the command": "ms", failed: "requests" },
  baseline: "plain",
  startedAt: "2026-01-01T00:00:00.000Z",
  loadAverage: [0.2, 0.3, 0.4],
  busy: false,
  contenders: [
    {
      name: "fast",
      samples: [
        { "from the command": 100, failed: 0, other: 7 },
        { "from the command": 300, failed: 0 },
      ],
    },
    { name: "plain", samples: [{ "from the command": 1000, failed: 0 }] },
  ],
};

describe("a figure's rows", () => {
  it("hold each contender beside the baseline, measure by measure", () => {
    assert.deepEqual(
      rowsOf(result).map(({ measure, contender, spread, ratio }) => [
        measure,
        contender,
        spread.median,
        ratio,
      ]),
      [
        ["from the command", "fast", 200, 0.2],
        ["from the command", "plain", 1000, 1],
        // A multiple of nothing says nothing.
        ["failed", "fast", 0, undefined],
        ["failed", "plain", 0, undefined],
      ],
    );
  });

  it("leave out what a contender doesn't have", () => {
    const rows = rowsOf({ ...result, measures: { other: "calls" } });
    assert.deepEqual(
      rows.map(({ contender, ratio }) => [contender, ratio]),
      [["fast", undefined]],
    );
  });
});

describe("a figure's table", () => {
  it("shows the median with its unit, the quartiles, the 99th percentile, and the multiple of the baseline", () => {
    const lines = renderFigure(result).split("\n");
    assert.match(lines[0] ?? "", /^rollback: until the last old answer$/);
    assert.match(lines[1] ?? "", /median .*× plain$/);
    assert.match(lines[2] ?? "", /^from the command +fast +200 ms +150–250 +298 +100 +300 +2 +0\.20$/);
  });

  it("says when the machine was busy, and only then", () => {
    assert.doesNotMatch(renderFigure(result), /busy/);
    assert.match(
      renderFigure({ ...result, busy: true, loadAverage: [3, 2, 1] }),
      /busy \(load average 3\.0 2\.0 1\.0\)/,
    );
  });
});
