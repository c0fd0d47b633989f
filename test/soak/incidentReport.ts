import Table from "cli-table3";
import { z } from "zod";
import { percentile } from "../../local/load/statistics";
import { withoutBorders } from "../../terminal/tableStyle";
import { outcomeSchema } from "../incidents/outcome";
import { reportStore } from "./reportStore";

const trySchema = outcomeSchema.extend({
  incident: z.string(),
  /** Of the traffic that the candidate had. */
  percent: z.number(),
  seconds: z.number(),
});

const reportSchema = z.object({ seed: z.int(), tries: z.array(trySchema) });

export type Try = z.infer<typeof trySchema>;

/** All tries so far; what is random in the next one follows from how many there are, and the seed. */
export type IncidentReport = z.infer<typeof reportSchema>;

export const { readReport, writeReport } = reportStore<IncidentReport>(reportSchema);

const isMissed = ({ hasBegun, backAfter }: Try): boolean => hasBegun && backAfter === undefined;

/** Whether everything went as it should. */
export function isClean({ tries }: IncidentReport): boolean {
  return tries.every(
    (each) => !isMissed(each) && each.wrong === 0 && each.lostAfter === 0 && each.problems.length === 0,
  );
}

/** `frontend …: back after 3.1 s, 41 of 2,034 lost until then` */
export function tryText(each: Try): string {
  const { incident, percent, hasBegun, backAfter, wrong, lostUntilBack, lostAfter, requests, problems } =
    each;
  const back =
    backAfter === undefined ? (hasBegun ? "MISSED" : "not begun") : `back after ${seconds(backAfter)}`;
  const notes = [
    ...(each.held === false ? ["moved by what must move nothing"] : []),
    ...(wrong > 0 ? [`${wrong} FALSE`] : []),
    ...(lostAfter > 0 ? [`${lostAfter} LOST afterwards`] : []),
    ...problems,
  ];
  return `${incident}, at ${percent} %: ${[back, `${lostUntilBack} of ${requests} lost until then`, ...notes].join(", ")}`;
}

/** What is told at the end: a row for each incident, and one for all. */
export function finalTable({ seed, tries }: IncidentReport): string {
  const table = new Table({
    ...withoutBorders,
    head: [
      ...["incident", "tries", "held below", "missed", "false", "back: median", "p90", "max"],
      ...["lost until then: median", "max", "lost after", "problems"],
    ],
    colAligns: ["left", ...Array.from({ length: 11 }, () => "right" as const)],
  });
  const names = [...new Set(tries.map(({ incident }) => incident))].toSorted();
  for (const name of names) {
    table.push(
      row(
        name,
        tries.filter(({ incident }) => incident === name),
      ),
    );
  }
  table.push(row("all", tries));
  const lines = table.toString().split("\n");
  const took = tries.reduce((sum, each) => sum + each.seconds, 0);
  const requests = tries.reduce((sum, each) => sum + each.requests, 0);
  return [
    ...lines.map((line) => line.trimEnd()),
    `seed ${seed}, ${tries.length} tries, ${requests.toLocaleString("en-US")} requests, ${(took / 60).toFixed(1)} min`,
    ...tries.filter(({ problems }) => problems.length > 0).map(tryText),
  ].join("\n");
}

function row(name: string, tries: readonly Try[]): string[] {
  const ascending = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);
  const back = ascending(tries.flatMap(({ backAfter }) => backAfter ?? []));
  const lost = ascending(tries.map(({ lostUntilBack }) => lostUntilBack));
  const below = tries.flatMap(({ held }) => held ?? []);
  const sum = (figure: (each: Try) => number): string =>
    String(tries.reduce((total, each) => total + figure(each), 0));
  return [
    name,
    String(tries.length),
    below.length === 0 ? "–" : `${below.filter((held) => held).length} of ${below.length}`,
    sum((each) => (isMissed(each) ? 1 : 0)),
    sum(({ wrong }) => wrong),
    ...[50, 90, 100].map((percent) => seconds(percentile(back, percent))),
    ...[50, 100].map((percent) => String(percentile(lost, percent) ?? "–")),
    sum(({ lostAfter }) => lostAfter),
    sum(({ problems }) => problems.length),
  ];
}

function seconds(value: number | undefined): string {
  return value === undefined ? "–" : `${value.toFixed(1)} s`;
}
