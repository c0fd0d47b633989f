import Table from "cli-table3";
import { z } from "zod";
import { withoutBorders } from "../../terminal/tableStyle";
import { Latencies } from "../faults/latencies";
import { reportStore } from "./reportStore";

const counts = z.record(z.string(), z.int().nonnegative());

const reportSchema = z.object({
  seed: z.int(),
  /** Wanted. */
  goal: z.object({ transitions: z.int(), requests: z.int() }),
  /** Rounds begun, over all runs: the random choices of each follow from it and the seed. */
  rounds: z.int().nonnegative(),
  transitions: counts,
  /** `program at "route written"` by outcome. */
  faults: z.record(z.string(), counts),
  requests: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  /** Failed while Envoy was down. */
  failedInOutages: z.int().nonnegative(),
  /** What was lost or disagreed, in words; the first of each round. */
  problems: z.array(z.string()),
  latencies: counts,
  seconds: z.number().nonnegative(),
});

/** What all runs of a soak so far add up to; written whole after each round. */
export type SoakReport = z.infer<typeof reportSchema>;

export function newReport(seed: number, goal: SoakReport["goal"]): SoakReport {
  return {
    seed,
    goal,
    rounds: 0,
    transitions: {},
    faults: {},
    requests: 0,
    failed: 0,
    failedInOutages: 0,
    problems: [],
    latencies: {},
    seconds: 0,
  };
}

export const { readReport, writeReport } = reportStore<SoakReport>(reportSchema);

export function transitionsOf({ transitions }: SoakReport): number {
  return Object.values(transitions).reduce((sum, count) => sum + count, 0);
}

export function isReached(report: SoakReport): boolean {
  return transitionsOf(report) >= report.goal.transitions && report.requests >= report.goal.requests;
}

export function addCount(into: Record<string, number>, what: string, count = 1): void {
  into[what] = (into[what] ?? 0) + count;
}

/** `412 of 1,000 transitions, 1,204,000 of 5,000,000 requests, 0 failed` */
export function progressText(report: SoakReport): string {
  const { goal, requests, failed } = report;
  const number = (value: number): string => value.toLocaleString("en-US");
  return `${number(transitionsOf(report))} of ${number(goal.transitions)} transitions, ${number(requests)} of ${number(goal.requests)} requests, ${number(failed)} failed`;
}

/** What is told at the end. */
export function finalTable(report: SoakReport): string {
  const { seed, faults, latencies, failedInOutages, problems, rounds, seconds } = report;
  const table = new Table({ ...withoutBorders, colAligns: ["left", "left", "right"] });
  for (const [kind, count] of Object.entries(report.transitions)) table.push(["transitions", kind, count]);
  for (const [fault, outcomes] of Object.entries(faults).sort(([a], [b]) => a.localeCompare(b))) {
    for (const [outcome, count] of Object.entries(outcomes))
      table.push(["fault", `${fault}: ${outcome}`, count]);
  }
  const quantiles = new Latencies(latencies);
  for (const percent of [50, 90, 99, 99.9, 100]) {
    const ms = quantiles.quantile(percent);
    table.push([
      "latency, ms",
      percent === 100 ? "max" : `p${percent}`,
      ms === undefined ? "–" : ms.toFixed(1),
    ]);
  }
  table.push(["requests", "all", report.requests.toLocaleString("en-US")]);
  table.push(["requests", "failed", report.failed.toLocaleString("en-US")]);
  table.push(["requests", "failed while Envoy was down", failedInOutages.toLocaleString("en-US")]);
  table.push(["problems", "", problems.length]);
  const lines = table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  return [
    ...lines,
    `seed ${seed}, ${rounds} rounds, ${(seconds / 60).toFixed(1)} min; ${progressText(report)}`,
    ...problems.slice(0, 10),
  ].join("\n");
}
