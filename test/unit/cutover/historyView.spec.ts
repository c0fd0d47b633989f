import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { stateOfValues } from "../../../cutover/fileState";
import { outcomeText, renderHistory } from "../../../cutover/historyView";
import { half, hours, staged } from "./situations";
import { type Run, stackRecord, transitionsOf } from "./versions";

const file = { frontend: { ...staged, traffic: half } };
const record = stackRecord(
  [
    { file: { frontend: staged }, at: -1 },
    { file, good: "good/prod/t" },
    { unreadable: "not valid YAML", at: 1 },
  ],
  [{ file, at: 0.5, seconds: 34 }],
);
const output = (columns?: number) =>
  Object.assign(new PassThrough(), columns === undefined ? {} : { columns });

describe("the history as a table", () => {
  it("has a line per transition: when, what, which road, who, and what became of it", () => {
    assert.deepEqual(renderHistory(record.transitions, record, output()).split("\n"), [
      "when                  target      change                                      road   by   commit     outcome",
      "2026-11-23T07:00:00Z  frontend    blue staged: aaaaaaaaaaaa                   plain  ops  000000000  no update known",
      "2026-11-23T08:00:00Z  frontend    forward: legacy 100 -> legacy 50 / blue 50  plain  ops  000000000  good, updated in 34 s",
      "2026-11-23T09:00:00Z  stack file  can't be read: not valid YAML               plain  ops  000000000  no update known",
    ]);
  });

  it("leaves out the author, then the road, where room is short", () => {
    const headings = (columns: number) =>
      (renderHistory(record.transitions, record, output(columns)).split("\n")[0] ?? "").split(/ {2,}/);
    const full = Math.max(
      ...renderHistory(record.transitions, record, output())
        .split("\n")
        .map(({ length }) => length),
    );
    assert.deepEqual(headings(full), ["when", "target", "change", "road", "by", "commit", "outcome"]);
    assert.deepEqual(headings(full - 1), ["when", "target", "change", "road", "commit", "outcome"]);
    assert.deepEqual(headings(60), ["when", "target", "change", "commit", "outcome"]);
  });

  it("says when there is nothing, and what of it can't be known", () => {
    assert.equal(renderHistory([], record, output()), "No transition.");
    assert.deepEqual(
      renderHistory([], { isShallow: true, updates: { unreadable: "no backend" } }, output()).split("\n"),
      [
        "No transition.",
        "",
        "The clone is shallow, and older commits are missing: git fetch --unshallow",
        "What became of them isn't known: no backend",
      ],
    );
  });
});

describe("what became of a transition", () => {
  const outcome = (...runs: readonly Omit<Run, "file" | "at">[]): string => {
    const found = stackRecord(
      [{ file }],
      runs.map((run, index) => ({ ...run, file, at: index })),
    );
    return outcomeText(transitionsOf("frontend", found).at(-1) ?? assert.fail(), found);
  };

  it("is its first update that succeeded, and how many failed before; else its last", () => {
    assert.equal(outcome({ seconds: 8 }, { seconds: 1, isEmpty: true }), "updated in 8 s");
    assert.equal(
      outcome({ result: "failed" }, { result: "failed" }, { seconds: 8 }),
      "updated in 8 s after 2 failed",
    );
    assert.equal(outcome({ result: "failed", seconds: 3 }), "update failed after 3 s");
    const [killed] = transitionsOf("frontend", record).slice(-1);
    assert.ok(killed);
    const update = { startedAt: hours(0), isEmpty: false, message: "", state: stateOfValues({}) };
    assert.equal(
      outcomeText({ ...killed, updates: [{ ...update, result: "unfinished" }] }, record),
      "good, update unfinished",
    );
  });

  it("is the good tag alone where updates can't be read", () => {
    const unread = { updates: { unreadable: "no backend" } };
    const [, forward] = record.transitions;
    assert.equal(outcomeText(forward ?? assert.fail(), unread), "good");
    assert.equal(outcomeText(record.transitions[0] ?? assert.fail(), unread), "no good tag");
  });
});
