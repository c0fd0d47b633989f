import Table from "cli-table3";
import { withoutBorders } from "../terminal/tableStyle";
import type { FigureResult, Sample, Unit } from "./figure";
import { type Spread, spreadOf } from "./statistics";

/** A line of a figure's table. */
export interface Row {
  readonly contender: string;
  readonly measure: string;
  readonly unit: Unit;
  readonly spread: Spread;
  /** This median as a multiple of the baseline's; undefined for what the baseline doesn't have, or has none of. */
  readonly ratio: number | undefined;
}

/** A row for each measure of each contender that has it. */
export function rowsOf({ measures, contenders, baseline }: Omit<FigureResult, "startedAt">): Row[] {
  const base = contenders.find(({ name }) => name === baseline);
  return Object.entries(measures).flatMap(([measure, unit]) => {
    const baseMedian = base && medianOf(base.samples, measure);
    return contenders.flatMap(({ name, samples }) => {
      const values = valuesOf(samples, measure);
      if (values.length === 0) return [];
      const spread = spreadOf(values);
      const ratio = baseMedian === undefined || baseMedian === 0 ? undefined : spread.median / baseMedian;
      return [{ contender: name, measure, unit, spread, ratio }];
    });
  });
}

/** One figure for people. */
export function renderFigure(result: FigureResult): string {
  const table = new Table({
    ...withoutBorders,
    head: ["", "", "median", "p25–p75", "p99", "min", "max", "runs", `× ${result.baseline}`],
    colAligns: ["left", "left", "right", "right", "right", "right", "right", "right", "right"],
  });
  for (const { contender, measure, unit, spread, ratio } of rowsOf(result)) {
    const text = (value: number): string => value.toFixed(decimals[unit]);
    table.push([
      measure,
      contender,
      `${text(spread.median)} ${unit}`,
      `${text(spread.p25)}–${text(spread.p75)}`,
      text(spread.p99),
      text(spread.min),
      text(spread.max),
      spread.count,
      ratio === undefined ? "–" : ratio.toFixed(2),
    ]);
  }
  const load = result.loadAverage.map((value) => value.toFixed(1)).join(" ");
  const busy = result.busy ? `The machine was busy (load average ${load}): believe the ratios rather.` : [];
  return [`${result.name}: ${result.title}`, ...table.toString().split("\n"), busy]
    .flat()
    .map((line) => line.trimEnd())
    .join("\n");
}

const decimals: Readonly<Record<Unit, number>> = { s: 2, ms: 0, MB: 0, calls: 0, requests: 0, "%": 1 };

function valuesOf(samples: readonly Sample[], measure: string): number[] {
  return samples.flatMap((sample) => sample[measure] ?? []);
}

function medianOf(samples: readonly Sample[], measure: string): number | undefined {
  const values = valuesOf(samples, measure);
  return values.length === 0 ? undefined : spreadOf(values).median;
}
