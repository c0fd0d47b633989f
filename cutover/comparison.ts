import { once } from "node:events";
import fs from "node:fs";
import { finished } from "node:stream/promises";
import type { Difference, Side, TableComparison } from "../database/compare";

/** What a comparison found. */
export interface Compared {
  /** Those that aren't the same in both. */
  readonly tables: readonly TableComparison[];
  /** `3 of 12 tables differ` */
  readonly summary: string;
  /** Where the rows are; undefined if there are none. */
  readonly file?: string;
  /** Why the one in use, or the rest of it, can't be compared at all. @default it answers */
  readonly unanswered?: string;
}

/** A file of rows, one a line as JSON, that only its owner can read. */
export interface DifferenceFile {
  readonly write: (difference: Difference) => Promise<void>;
  /** All is written. */
  finish(tables: readonly TableComparison[]): Promise<Compared>;
  /** Must be called in any case. */
  close(): Promise<void>;
}

/** @param file is written anew */
export function differenceFile(file: string): DifferenceFile {
  // One that is there may be readable by others.
  fs.rmSync(file, { force: true });
  const stream = fs.createWriteStream(file, { mode: 0o600, flags: "wx" });
  let count = 0;
  return {
    write: async (difference) => {
      count++;
      if (!stream.write(`${lineOf(difference)}\n`)) await once(stream, "drain");
    },
    finish: async (tables) => {
      stream.end();
      await finished(stream);
      const differing = tables.filter(differs);
      if (count === 0) fs.rmSync(file);
      const unread = tables.filter((each) => each.unread !== undefined).length;
      return {
        tables: differing,
        summary: [
          differing.length === 0
            ? `all ${tables.length} tables are the same`
            : `${differing.length - unread} of ${tables.length} tables differ`,
          ...(unread > 0 ? [`${unread} can't be read`] : []),
        ].join(", "),
        ...(count > 0 && { file }),
      };
    },
    close: async () => {
      if (stream.closed) return;
      stream.destroy();
      await once(stream, "close");
    },
  };
}

/** Rows are JSON already. */
function lineOf(difference: Difference): string {
  const table = JSON.stringify(difference.table);
  return "only" in difference
    ? `{"table":${table},"only":"${difference.only}","row":${difference.row}}`
    : `{"table":${table},"live":${difference.live},"restored":${difference.restored}}`;
}

function differs({ rows, only, differing, unread }: TableComparison): boolean {
  const isMissing = unread !== undefined || rows.live === undefined || rows.restored === undefined;
  return isMissing || only.live + only.restored + differing > 0;
}

/** Nothing was compared. */
export function unanswered(why: string): Compared {
  return { tables: [], summary: "nothing, as the one in use doesn't answer", unanswered: why };
}

/** A line per table that differs, where the rows are, and what can't be told. */
export function comparisonText(compared: Compared): string {
  const { tables, file } = compared;
  const lost = uncomparedText(compared);
  if (tables.length === 0) {
    return lost ?? "Nothing was written since: every row of every table is the same.";
  }
  return [
    ...tables.map(({ table, rows, only, differing, unread }) => {
      const missing =
        unread === undefined
          ? (["live", "restored"] as const).filter((side) => rows[side] === undefined)
          : [];
      const counts = [
        `${only.live} rows only in the one in use`,
        `${only.restored} only in what was restored`,
        `${differing} differ`,
      ];
      const known = unread === undefined ? "" : ", as far as it can be read";
      return `  ${table}: ${counts.join(", ")}${known}${missing.map((side) => `; ${noTable[side]}`).join("")}`;
    }),
    ...(file === undefined
      ? []
      : [`  Every one of these rows is in ${file}: keep it, it is not shown again.`]),
    ...(lost === undefined ? [] : [lost]),
  ].join("\n");
}

/** What was written since and can't be listed; undefined where all of it is. */
export function uncomparedText({ tables, unanswered: why }: Compared): string | undefined {
  const lines = [
    ...(why === undefined ? [] : [`the one in use doesn't answer: ${why}`]),
    ...tables.flatMap(({ table, unread }) =>
      unread === undefined ? [] : [`the one in use can't read ${table}: ${unread}`],
    ),
  ];
  if (lines.length === 0) return undefined;
  return `WHAT WAS WRITTEN SINCE CAN'T BE LISTED; it is kept with the volume of the one in use.\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

const noTable: Readonly<Record<Side, string>> = {
  live: "the one in use has no such table",
  restored: "what was restored has no such table",
};
