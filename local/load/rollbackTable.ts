import Table from "cli-table3";
import { createColors } from "picocolors";
import type { UnaskedRollback } from "../unaskedRollback";
import { withoutBorders } from "../../terminal/tableStyle";
import { type Output, isInteractive } from "../../terminal/output";

/** What a rollback that nobody asked for took, as fits `output`: framed and coloured on a terminal, plain elsewhere. */
export function renderRollbackTable(rollback: UnaskedRollback, output: Output): string {
  const interactive = isInteractive(output);
  const paint = createColors(interactive);
  const table = new Table({
    ...(interactive ? { style: { head: [], border: [], compact: true } } : withoutBorders),
    head: ["the candidate fails", "after"].map((head) => paint.bold(head)),
    colAligns: ["left", "right"],
  });
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
  const { failedBefore, failedAfter } = rollback;
  table.push(
    ["the trigger is true", seconds(rollback.triggerTrueMs)],
    ["the alert fires", seconds(rollback.alertFiredMs)],
    ["traffic is back", seconds(rollback.trafficBackMs)],
    ["git and state agree", seconds(rollback.agreedMs)],
    ["requests lost until traffic was back", paint.yellow(failedBefore.toLocaleString("en-US"))],
    [
      "requests lost afterwards",
      (failedAfter === 0 ? paint.green : paint.red)(failedAfter.toLocaleString("en-US")),
    ],
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
