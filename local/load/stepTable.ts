import Table from "cli-table3";
import { createColors } from "picocolors";
import { BACKENDS } from "../../migration";
import type { PerBackend } from "./shot";
import { withoutBorders } from "../../terminal/tableStyle";
import { isInteractive } from "../../terminal/output";
import type { Output } from "../../terminal/output";
import { backendPaint } from "../../terminal/paint";

/** What is told of one step when all is over. */
export interface StepRow {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  /** Percent per backend. */
  readonly wanted?: PerBackend | undefined;
  /** Percent per backend. */
  readonly realised?: PerBackend | undefined;
  /** From the command to the last answer of the backend that lost its traffic. */
  readonly lastOldAnswerMs?: number | undefined;
}

/**
 * The closing table, as fits `output`: framed and coloured on a terminal, plain columns elsewhere. Splits are told as
 * legacy/blue/green; within 80 columns as long as the steps' names take no more than 20.
 */
export function renderStepTable(steps: readonly StepRow[], output: Output): string {
  const interactive = isInteractive(output);
  const paint = createColors(interactive);
  const splitText = (split: PerBackend | undefined, percentText: (percent: number) => string) =>
    split === undefined
      ? "–"
      : BACKENDS.map((backend) => {
          const text = percentText(split[backend]);
          return interactive && split[backend] > 0 ? backendPaint[backend](text) : text;
        }).join("/");
  const table = new Table({
    ...(interactive ? { style: { head: [], border: [], compact: true } } : withoutBorders),
    head: ["step", "requests", "failed", "wanted %", "realised %", "last old"].map((head) =>
      paint.bold(head),
    ),
    colAligns: ["left", "right", "right", "left", "left", "right"],
  });
  for (const { name, requests, failed, wanted, realised, lastOldAnswerMs } of steps) {
    table.push([
      name,
      requests.toLocaleString("en-US"),
      (failed === 0 ? paint.green : paint.red)(failed.toLocaleString("en-US")),
      splitText(wanted, String),
      splitText(realised, (percent) =>
        percent === 0 || percent === 100 ? String(percent) : percent.toFixed(1),
      ),
      lastOldAnswerMs === undefined ? "–" : `${(lastOldAnswerMs / 1000).toFixed(2)} s`,
    ]);
  }
  return [...table.toString().split("\n"), ...legend].map((line) => line.trimEnd()).join("\n");
}

const legend = [
  "Splits: legacy/blue/green.",
  "Last old: from the command to the last answer of the backend left behind.",
];
