import type { Trial } from "../database/trial";

/** What a trial has shown, for people. */
export function trialText(target: string, trial: Trial): string {
  const { kind, seconds, statements, locks, tables, refused, gone, irreversible } = trial;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return [
    `${target}: ${kind} step, ${seconds.toFixed(1)} s`,
    "",
    ...table(
      ["calls", "seconds", "rows", "statement"],
      statements.map(({ calls, seconds: each, rows: count, statement }) => [
        String(calls),
        each.toFixed(3),
        String(count),
        shortened(statement),
      ]),
    ),
    "",
    ...(locks.length === 0
      ? ["No lock on what was there before."]
      : table(
          ["lock", "on"],
          locks.map(({ mode, relation }) => [mode, relation]),
        )),
    "",
    `${tables.length} tables with ${rows} rows are as they were.`,
    ...(gone.length === 0 ? [] : [`Gone with the step: ${gone.join(", ")}.`]),
    irreversible === undefined
      ? "Its down leads back, with every row as it was."
      : `There is no way back by its down: ${irreversible}`,
    ...refused.flatMap(({ statement, found, why }) => [
      "",
      `not expand: ${found}`,
      `  ${shortened(statement)}`,
      `  ${why}`,
    ]),
  ].join("\n");
}

const mostCharacters = 90;

function shortened(statement: string): string {
  const line = statement.replaceAll(/\s+/g, " ").trim();
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1)}…` : line;
}

/** Numbers stand at the right, the last column as it is. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => {
        if (column === row.length - 1) return cell;
        const isNumber = rows.every((each) => /^[\d.]+$/.test(each[column] ?? ""));
        return isNumber ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
      })
      .join("  "),
  );
}
