import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import { createColors } from "picocolors";
import { isInteractive } from "../terminal/output";
import type { Output } from "../terminal/output";
import { formatTime } from "../migration";
import { withoutBorders } from "../terminal/tableStyle";
import { isUnreadable } from "./fileState";
import type { CarriedOut, StackRecord } from "./stackRecord";
import { shortImage } from "./shortImage";
import { changeText, isRollback, road } from "./transitions";

/** Transitions as a table, in the order given. Where room is short, the author and the road are left out. */
export function renderHistory(
  shown: readonly CarriedOut[],
  record: Pick<StackRecord, "updates" | "isShallow">,
  output: Output,
): string {
  const paint = createColors(isInteractive(output));
  const rows = shown.map((transition): Row => {
    const { commit, target, changes } = transition;
    const text = changes.map((change) => changeText(change, shortImage)).join("\n");
    return {
      when: formatTime(commit.at),
      target: target ?? "stack file",
      change: isRollback(transition) ? paint.yellow(text) : text,
      road: road(transition),
      by: commit.by,
      commit: commit.id.slice(0, 9),
      outcome: outcomeText(transition, record),
    };
  });
  // A pipe has no width, and some terminals say 0.
  const columns = output.columns === undefined || output.columns === 0 ? Infinity : output.columns;
  const lines = rows.length === 0 ? ["No transition."] : tableLines(rows, columns, paint.bold);
  return [...lines, ...notes(record)].join("\n");
}

/** `good, updated in 34 s`: whether it was verified, and how its first update that succeeded, or else its last, ended. */
export function outcomeText(
  { commit, updates }: CarriedOut,
  { updates: known }: Pick<StackRecord, "updates">,
): string {
  const good = commit.good === undefined ? [] : ["good"];
  if (isUnreadable(known)) return good[0] ?? "no good tag";
  const index = updates.findIndex(({ result }) => result === "succeeded");
  const update = updates.at(index);
  if (update === undefined) return [...good, "no update known"].join(", ");
  const failed = updates.slice(0, index).filter(({ result }) => result === "failed").length;
  const before = index > 0 && failed > 0 ? ` after ${failed} failed` : "";
  const ended = { succeeded: "updated in", failed: "update failed after", unfinished: "update unfinished" };
  const seconds = update.seconds === undefined ? "" : ` ${update.seconds} s`;
  return [...good, `${ended[update.result]}${seconds}${before}`].join(", ");
}

type Column = keyof typeof headings;
type Row = Readonly<Record<Column, string>>;

const headings = {
  when: "when",
  target: "target",
  change: "change",
  road: "road",
  by: "by",
  commit: "commit",
  outcome: "outcome",
} as const;

/** Widest first: the last one stands even where it doesn't fit. */
const layouts: readonly (readonly Column[])[] = [
  ["when", "target", "change", "road", "by", "commit", "outcome"],
  ["when", "target", "change", "road", "commit", "outcome"],
  ["when", "target", "change", "commit", "outcome"],
];

function tableLines(rows: readonly Row[], columns: number, bold: (text: string) => string): string[] {
  let lines: string[] = [];
  for (const layout of layouts) {
    const table = new Table({ ...withoutBorders, head: layout.map((column) => bold(headings[column])) });
    table.push(...rows.map((row) => layout.map((column) => row[column])));
    lines = table
      .toString()
      .split("\n")
      .map((line) => line.trimEnd());
    if (lines.every((line) => stripVTControlCharacters(line).length <= columns)) break;
  }
  return lines;
}

function notes({ updates, isShallow }: Pick<StackRecord, "updates" | "isShallow">): string[] {
  const said = [
    ...(isShallow ? ["The clone is shallow, and older commits are missing: git fetch --unshallow"] : []),
    ...(isUnreadable(updates) ? [`What became of them isn't known: ${updates.unreadable}`] : []),
  ];
  return said.length === 0 ? [] : ["", ...said];
}
