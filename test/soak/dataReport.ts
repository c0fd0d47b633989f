import Table from "cli-table3";
import { z } from "zod";
import { withoutBorders } from "../../terminal/tableStyle";
import { dataCases, nameOf } from "../data/cases";
import { reportStore } from "./reportStore";

const trySchema = z.object({
  /** `down: cutover at "backup running"` */
  name: z.string(),
  killsPostgresql: z.boolean(),
  outcome: z.string(),
  /** Acknowledged writes that aren't there, or that their reader didn't find. */
  lost: z.int(),
  doubled: z.int(),
  /** The longest write, in milliseconds. */
  stallMs: z.number(),
  failedAnswers: z.int(),
  problems: z.array(z.string()),
  seconds: z.number(),
});

const reportSchema = z.object({ seed: z.int(), rounds: z.int().nonnegative(), tries: z.array(trySchema) });

export type Try = z.infer<typeof trySchema>;

/** All tries so far, and the ways there and back that were begun; what is random in the next one follows from them and the seed. */
export type DataReport = z.infer<typeof reportSchema>;

export const { readReport, writeReport } = reportStore<DataReport>(reportSchema);

/** Whether everything went as it should: only without PostgreSQL may a write fail and be tried again. */
function isWell({ lost, doubled, problems, killsPostgresql, failedAnswers }: Try): boolean {
  return lost === 0 && doubled === 0 && problems.length === 0 && (killsPostgresql || failedAnswers === 0);
}

export function isClean({ tries }: DataReport): boolean {
  return tries.every(isWell);
}

/** `down: cutover at "backup running": done by the same command, longest write 90 ms` */
export function tryText(each: Try): string {
  const { name, outcome, lost, doubled, stallMs, failedAnswers, killsPostgresql, problems } = each;
  const notes = [
    outcome,
    `longest write ${stallMs} ms`,
    ...(failedAnswers > 0 ? [`${failedAnswers} ${killsPostgresql ? "" : "FAILED "}answers were none`] : []),
    ...(lost > 0 ? [`${lost} LOST`] : []),
    ...(doubled > 0 ? [`${doubled} DOUBLED`] : []),
    ...problems,
  ];
  return `${name}: ${notes.join(", ")}`;
}

/** What is told at the end: a row for each case, one for all, and the longest writes. */
export function finalTable({ seed, rounds, tries }: DataReport): string {
  const table = new Table({
    ...withoutBorders,
    head: ["case", "tries", "outcomes", "lost", "doubled", "longest write", "problems"],
    colAligns: ["left", "right", "left", "right", "right", "right", "right"],
  });
  for (const name of dataCases.map(nameOf)) {
    const of = tries.filter((each) => each.name === name);
    if (of.length > 0) table.push(row(name, of, outcomesOf(of)));
  }
  table.push(row("all", tries, outcomesOf(tries)));
  const seconds = tries.reduce((sum, each) => sum + each.seconds, 0);
  return [
    ...table
      .toString()
      .split("\n")
      .map((line) => line.trimEnd()),
    `longest write: ${longest(tries.filter((each) => !each.killsPostgresql))} ms, and ${longest(tries.filter((each) => each.killsPostgresql))} ms where PostgreSQL was killed`,
    `seed ${seed}, ${rounds} ways there and back, ${tries.length} kills, ${(seconds / 60).toFixed(1)} min`,
    ...tries.filter((each) => !isWell(each)).map(tryText),
  ].join("\n");
}

function row(name: string, tries: readonly Try[], outcomes: string): string[] {
  const sum = (figure: (each: Try) => number): string =>
    String(tries.reduce((total, each) => total + figure(each), 0));
  return [
    name,
    String(tries.length),
    outcomes,
    sum(({ lost }) => lost),
    sum(({ doubled }) => doubled),
    `${longest(tries)} ms`,
    sum((each) => (isWell(each) ? 0 : 1)),
  ];
}

function outcomesOf(tries: readonly Try[]): string {
  const outcomes = [...new Set(tries.map(({ outcome }) => outcome))].toSorted();
  return outcomes
    .map((outcome) => `${tries.filter((each) => each.outcome === outcome).length} ${outcome}`)
    .join(", ");
}

function longest(tries: readonly Try[]): number {
  return Math.max(0, ...tries.map(({ stallMs }) => stallMs));
}
