import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import type { createColors } from "picocolors";
import { withoutBorders } from "../terminal/tableStyle";
import { shortImage } from "./shortImage";
import type { DatabaseSituation, TargetSituation } from "./situation";

type Paint = ReturnType<typeof createColors>;

const headings = {
  target: "database of",
  instance: "instance",
  mode: "mode",
  step: "step applied",
  kept: "kept",
} as const;

type Column = keyof typeof headings;
type Row = Readonly<Record<Column, string>>;

const none = "–";
const gap = 2;

/**
 * The databases of those targets that have one, as a table; nothing if none has. What the file asks for and no update
 * has carried out is told beneath. Where room is short, what is kept and then the step are left out.
 */
export function databaseLines(
  targets: readonly TargetSituation[],
  columns: number,
  paint: Paint,
): readonly string[] {
  const rows = targets.flatMap(({ target, database }) => (database ? [row(target, database, paint)] : []));
  if (rows.length === 0) return [];
  let shown: readonly Column[] = ["target", "instance", "mode", "step", "kept"];
  const width = (): number => shown.reduce((sum, column) => sum + widthOf(rows, column) + gap, -gap);
  for (const least of ["kept", "step"] as const) {
    if (width() > columns) shown = shown.filter((column) => column !== least);
  }
  const table = new Table({
    ...withoutBorders,
    head: shown.map((column) => paint.bold(headings[column])),
  });
  for (const each of rows) table.push(shown.map((column) => each[column]));
  const lines = table.toString().split("\n");
  return ["", ...lines.map((line) => line.trimEnd())];
}

function row(target: string, { instance, mode, kept, step, applied }: DatabaseSituation, paint: Paint): Row {
  const still = (wanted: string, before: string): string =>
    wanted === before ? wanted : `${wanted}\n${paint.yellow(`still ${before}`)}`;
  return {
    target,
    instance: applied ? still(instance, applied.instance) : instance,
    mode: applied ? still(mode, applied.mode) : mode,
    step: step === undefined ? none : shortImage(step),
    kept: kept.join("\n") || none,
  };
}

function widthOf(rows: readonly Row[], column: Column): number {
  const lines = rows.flatMap((each) => stripVTControlCharacters(each[column]).split("\n"));
  return Math.max(headings[column].length, ...lines.map((line) => line.length));
}
