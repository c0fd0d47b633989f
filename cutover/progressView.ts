import { formatTime } from "../migration";
import { isUnreadable } from "./fileState";
import { outcomeText } from "./historyView";
import { type Kpi, secondsText, successText } from "./kpis";
import { code } from "./markdown";
import { type Progress, stageTimesText, standingText } from "./progress";
import type { CarriedOut } from "./stackRecord";
import type { StackRecord } from "./stackRecord";
import { shortImage } from "./shortImage";
import { changeText } from "./transitions";

type Record = Pick<StackRecord, "updates">;

/** The plan's weekly progress report, as Markdown. */
export function renderWeek(progress: Progress, record: Record): string {
  const { period, critical, transitions, rollbacks, deployments, repositories } = progress;
  return document([
    `# Migration Week ${period.week ?? ""} Progress Report`,
    "",
    headline(progress),
    "",
    "## COMPLETED",
    "",
    `- Critical services extracted: ${critical.extracted.length}/${critical.of}${namesIn(critical.extracted)}`,
    repositories === undefined
      ? "- Repository reduction: not measured: say it with --repositories COUNT"
      : `- Repository reduction: 19 → ${repositories} repositories`,
    `- Deployment success rate: ${rateText(progress)}`,
    `- Deployment duration: ${durationText(deployments)}`,
    `- Rollbacks: ${rollbacks.length}`,
    "- Critical incidents: not measured: no incident is recorded here, only rollbacks",
    ...(transitions.length === 0
      ? ["- Transitions: none"]
      : ["- Transitions:", ...transitions.map((each) => `  - ${transitionText(each, record)}`)]),
    "",
    "## IN PROGRESS",
    "",
    ...standingLines(progress),
    "- Database migration validation: not measured: no evidence source",
    "",
    "## BLOCKED/RISKS",
    "",
    ...riskLines(progress),
    "",
    "## NEXT WEEK FOCUS",
    "",
    ...nextLines(progress),
    "",
    "Team morale: not measured: ask the team",
    "",
    ...kpiLines(progress),
    "",
    ...stageLines(progress),
  ]);
}

/** What a daily standup says of the migration's status, its risks and its next steps, as Markdown. */
export function renderDay(progress: Progress, record: Record): string {
  const { period, extracted, transitions, rollbacks } = progress;
  return document([
    `# Migration standup, ${dateText(period.from)}`,
    "",
    headline(progress),
    "",
    "## 1. MIGRATION STATUS",
    "",
    `- Services extracted today: ${extracted.length}${namesIn(extracted)}`,
    ...(transitions.length === 0
      ? ["- Transitions: none"]
      : ["- Transitions:", ...transitions.map((each) => `  - ${transitionText(each, record)}`)]),
    ...(isUnreadable(progress.blocked)
      ? [`- Blockers: not measured: ${progress.blocked.unreadable}`]
      : progress.blocked.length === 0
        ? ["- Blockers: none found"]
        : ["- Blockers:", ...progress.blocked.map((each) => `  - ${code(each)}`)]),
    rollbacks.length === 0 ? "- Rollback incidents: none" : `- Rollback incidents: ${rollbacks.length}`,
    ...rollbacks.map((each) => `  - ${transitionText(each, record)}`),
    `- Deployments: ${rateText(progress)}`,
    "",
    "## 2. RISK ASSESSMENT",
    "",
    ...standingLines(progress),
    ...(progress.warnings.length === 0
      ? ["- Early warnings: none found in git, state and cluster"]
      : ["- Early warnings:", ...progress.warnings.map((each) => `  - ${code(each)}`)]),
    "- Error rates and response times: not measured: no evidence source",
    "",
    "## 3. TODAY'S EXTRACTION PRIORITIES",
    "",
    ...nextLines(progress),
  ]);
}

function document(lines: readonly string[]): string {
  return lines.join("\n");
}

function headline({ stack, period, start, now, isCurrent }: Progress): string {
  const last = new Date(period.to.getTime() - 1);
  const days =
    period.kind === "day" ? dateText(period.from) : `${dateText(period.from)} to ${dateText(last)}`;
  const state = isCurrent ? `as of ${formatTime(now)}` : now < period.from ? "not begun yet" : "over";
  return `Stack ${stack}, ${days} (UTC), ${state}; the migration began on ${dateText(start)}.`;
}

function dateText(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function namesIn(names: readonly string[]): string {
  return names.length === 0 ? "" : ` (${names.join(", ")})`;
}

function rateText({ deployments }: Progress): string {
  if (isUnreadable(deployments)) return `not measured: ${deployments.unreadable}`;
  const { succeeded, failed, empty } = deployments;
  const idle = empty === 0 ? "" : `; ${empty} more had nothing to change`;
  return `${succeeded + failed === 0 ? "not measured: no deployment in this time" : successText(deployments)}${idle}`;
}

function durationText(deployments: Progress["deployments"]): string {
  if (isUnreadable(deployments)) return `not measured: ${deployments.unreadable}`;
  const { seconds } = deployments;
  return seconds === undefined
    ? "not measured: no deployment in this time"
    : `median ${secondsText(seconds.median)}, longest ${secondsText(seconds.longest)}`;
}

function transitionText(transition: CarriedOut, record: Record): string {
  const { commit, target, changes } = transition;
  const what = changes.map((change) => changeText(change, shortImage)).join(", ");
  return code(
    `${formatTime(commit.at)} ${target ?? "stack file"}: ${what} (${commit.id.slice(0, 9)}, ${commit.by}; ${outcomeText(transition, record)})`,
  );
}

function standingLines({ inProgress, staged }: Progress): string[] {
  return [
    ...listOr(inProgress.map(standingText), "no target is between legacy and extracted"),
    ...(staged.length === 0 ? [] : [`- staged, without traffic: ${staged.join(", ")}`]),
  ];
}

function riskLines({ blocked, warnings }: Progress): string[] {
  return [
    ...(isUnreadable(blocked)
      ? [`- Blockers: not measured: ${blocked.unreadable}`]
      : listOr(
          blocked.map((each) => code(each)),
          "no blocker found in git, state and cluster",
        )),
    ...warnings.map((each) => `- ${code(each)}`),
  ];
}

function nextLines({ next }: Progress): string[] {
  if (isUnreadable(next)) return [`- not measured: ${next.unreadable}`];
  if (next.tier === undefined) return ["- no step is left: everything is extracted"];
  return [`- Tier ${next.tier}:`, ...next.steps.map((step) => `  - ${code(step)}`)];
}

function kpiLines({ milestone, kpis }: Progress): string[] {
  return [
    `## KPIs by week ${milestone}`,
    "",
    "| KPI | goal | measured | met |",
    "| --- | --- | --- | --- |",
    ...kpis.map((kpi) => `| ${[kpi.name, kpi.goal, measuredText(kpi), metText(kpi)].join(" | ")} |`),
  ];
}

function measuredText({ measured, notMeasured }: Kpi): string {
  return measured ?? `not measured: ${(notMeasured ?? "").replaceAll("|", "\\|")}`;
}

function metText({ isMet }: Kpi): string {
  if (isMet === undefined) return "–";
  return isMet ? "yes" : "no";
}

function stageLines({ stageTimes }: Progress): string[] {
  return [
    "## Time in each stage",
    "",
    ...listOr(
      stageTimes.map(({ target, times }) => `${target}: ${stageTimesText(times)}`),
      "not measured: no version of the stack file can be read",
    ),
    "",
    "By the times of the commits.",
  ];
}

function listOr(items: readonly string[], none: string): string[] {
  return items.length === 0 ? [`- ${none}`] : items.map((item) => `- ${item}`);
}
