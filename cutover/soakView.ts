import Table from "cli-table3";
import { createColors } from "picocolors";
import { errorLimit, formatLatency, formatShare, formatSpan, latencyLimit } from "../evidence/judge";
import { type Output, isInteractive } from "../terminal/output";
import { withoutBorders } from "../terminal/tableStyle";
import { formatMinute } from "./situation";
import type { Soaking } from "./soak";

/** For each colour on its way: its time, each indicator beside what the plan allows, and what follows from it. */
export function renderSoak(colors: readonly Soaking[], now: Date, output: Output): string {
  if (colors.length === 0) return "Nothing is on its way.";
  const paint = createColors(isInteractive(output));
  const verdicts = { go: paint.green("go"), hold: paint.yellow("HOLD"), bad: paint.red("BAD") };
  return colors
    .map((color) => {
      const { subject, split, verdict } = color;
      const doubts = verdict.kind === "go" ? [] : verdict.doubts;
      return [
        `${paint.bold(subject.target)}  ${split}  ${timeText(color, now)}  ${verdicts[verdict.kind]}`,
        ...tableOf(color),
        ...doubts.map(({ found, expected }) => `  found ${found}, expected ${expected}`),
      ].join("\n");
    })
    .join("\n\n");
}

function timeText({ subject, until }: Soaking, now: Date): string {
  if (until === undefined) return `since ${formatMinute(subject.since)}`;
  return now < until ? `soaking until ${formatMinute(until)}` : `soaked since ${formatMinute(until)}`;
}

function tableOf({ subject, measured, baselineSeconds }: Soaking): readonly string[] {
  if (measured === undefined) return [];
  const { overMs, meanOverMs, requests, errors, latency, healthy, watched, alerts } = measured;
  const part = meanOverMs < overMs ? `, worst ${formatSpan(meanOverMs)}` : "";
  const table = new Table({ ...withoutBorders, head: ["  ", subject.color, "allowed"] });
  const unknown = "not measured";
  table.push(
    ["  requests", String(requests), ""],
    [
      `  failed${part}`,
      errors === undefined ? unknown : formatShare(errors),
      `at most ${formatShare(errorLimit)}`,
    ],
    [
      `  latency${part}`,
      latency === undefined ? unknown : formatLatency(latency),
      baselineSeconds === undefined
        ? "no baseline"
        : `at most ${formatLatency(latencyLimit(baselineSeconds))}, legacy ${formatLatency(baselineSeconds)}`,
    ],
    ["  health", healthy === undefined ? unknown : healthy ? "every check passed" : "failed", "every check"],
    ["  watched", formatShare(watched), "of the time"],
    ["  alerts", alerts.join(", ") || "none", "none"],
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
