import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { type RouteRecord, type Stage, deriveStage, soakEnds } from "../migration";
import { type Told, isUnreadable } from "./fileState";
import { type Period, isWithin } from "./period";
import type { StackRecord } from "./stackRecord";
import type { Recorded } from "./transitions";
import type { Update } from "./updateHistory";

/** Updates of a period, by how they ended. Those that had nothing to do are no deployments. */
export interface Deployments {
  readonly succeeded: number;
  readonly failed: number;
  readonly empty: number;
  /** Of those that succeeded; absent without any. */
  readonly seconds?: { readonly median: number; readonly longest: number };
}

export function deploymentsIn(period: Period, updates: readonly Update[]): Deployments {
  const within = updates.filter(({ startedAt }) => isWithin(period, startedAt));
  const succeeded = within.filter(({ result, isEmpty }) => result === "succeeded" && !isEmpty);
  const seconds = succeeded
    .flatMap((update) => (update.seconds === undefined ? [] : [update.seconds]))
    .sort((a, b) => a - b);
  const longest = seconds.at(-1);
  return {
    succeeded: succeeded.length,
    failed: within.filter(({ result }) => result === "failed").length,
    empty: within.filter(({ isEmpty }) => isEmpty).length,
    ...(longest !== undefined && { seconds: { median: median(seconds), longest } }),
  };
}

/** In percent; undefined where there was no deployment. */
export function successRate({ succeeded, failed }: Deployments): number | undefined {
  return succeeded + failed === 0 ? undefined : (100 * succeeded) / (succeeded + failed);
}

/** @param sorted not empty, in ascending order */
function median(sorted: readonly number[]): number {
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, each) => sum + each, 0) / middle.length;
}

/** How long a target was in each stage, in milliseconds, up to `until`; stages that it wasn't in are absent. */
export function timeInStages(
  records: readonly Recorded[],
  soakHours: number,
  until: Date,
): Readonly<Partial<Record<Stage, number>>> {
  const times: Partial<Record<Stage, number>> = {};
  for (const [index, { at, record }] of records.entries()) {
    const next = records[index + 1]?.at ?? until;
    const end = next < until ? next : until;
    const soaked = soakEnds(record.since, soakHours);
    const turn = soaked > at && soaked < end ? soaked : end;
    for (const [from, to] of [
      [at, turn],
      [turn, end],
    ] as const) {
      if (to <= from) continue;
      const stage = deriveStage(record, soakHours, from);
      times[stage] = (times[stage] ?? 0) + to.getTime() - from.getTime();
    }
  }
  return times;
}

/** What a target's record was at a moment, as git tells it; undefined before its first. */
export function recordAt(records: readonly Recorded[] | undefined, time: Date): RouteRecord | undefined {
  return records?.findLast(({ at }) => at <= time)?.record;
}

/** Where a target stood at a moment, as git tells it. */
export function stageAt(
  { records }: Pick<StackRecord, "records">,
  target: RoutedTargetName,
  soakHours: number,
  time: Date,
): Stage | undefined {
  const record = recordAt(records.get(target), time);
  return record && deriveStage(record, soakHours, time);
}

/** One of the plan's KPIs. */
export interface Kpi {
  readonly name: string;
  /** The plan's. */
  readonly goal: string;
  readonly measured?: string;
  /** Why it isn't. */
  readonly notMeasured?: string;
  /** Absent where that can't be said. */
  readonly isMet?: boolean;
}

export interface KpiFacts {
  readonly extracted: readonly RoutedTargetName[];
  /** Targets that run both in the monorepo and as a release. */
  readonly doubled: readonly RoutedTargetName[];
  readonly deployments: Told<Deployments>;
  /** How many repositories there are, if somebody has counted them. */
  readonly repositories?: number;
}

/** The targets that the plan calls critical: tier 1. */
export const criticalTargets = routedTargets.filter((target) => catalogEntry(target).tier === 1);

/** The week at whose end the plan measures next, for a report on `week`; after the last it stays the last. */
export function milestoneOf(week: number): 1 | 4 | 8 | 12 {
  return ([1, 4, 8] as const).find((each) => week <= each) ?? 12;
}

/** The plan's KPIs of a milestone, each measured or said not to be. */
export function kpisOf(milestone: 1 | 4 | 8 | 12, facts: KpiFacts): readonly Kpi[] {
  switch (milestone) {
    case 1:
      return [
        repositoryCount(15, facts),
        criticalServices(facts),
        deploymentSuccess(95, facts),
        velocity("50 % of what it was before the crisis"),
      ];
    case 4:
      return [
        repositoryCount(12, facts),
        duplication(facts),
        deploymentTime(facts),
        velocity("80 % of what it was before the crisis"),
      ];
    case 8:
      return [
        repositoryCount(8, facts),
        notMeasured("Feature delivery capability", "100 % restored", "the product manager knows"),
        deploymentSuccess(99, facts),
        notMeasured("Developer satisfaction", "> 8 of 10", "it takes a survey"),
      ];
    case 12:
      return [
        notMeasured("Code duplication", "< 5 %", "the repositories' code isn't read"),
        notMeasured("Build time", "> 50 % faster", "builds are the pipelines', their times aren't read"),
        notMeasured("Maintenance overhead", "< 20 % of what it was", noFact),
        notMeasured("Technical debt score", "< 10 %", noFact),
      ];
  }
}

const noFact = "no fact about it is recorded";

function notMeasured(name: string, goal: string, why: string): Kpi {
  return { name, goal, notMeasured: why };
}

function velocity(goal: string): Kpi {
  return notMeasured("Development velocity", goal, noFact);
}

function repositoryCount(goal: number, { repositories }: KpiFacts): Kpi {
  const name = "Repository count";
  const text = `19 or more -> ${goal}`;
  return repositories === undefined
    ? notMeasured(name, text, "say it with --repositories COUNT")
    : { name, goal: text, measured: String(repositories), isMet: repositories <= goal };
}

function criticalServices({ extracted }: KpiFacts): Kpi {
  const critical = criticalTargets.filter((target) => extracted.includes(target));
  return {
    name: "Critical services extracted",
    goal: `${criticalTargets.length}`,
    measured: `${critical.length}/${criticalTargets.length}`,
    isMet: critical.length === criticalTargets.length,
  };
}

function deploymentSuccess(goal: number, { deployments }: KpiFacts): Kpi {
  const [name, text] = ["Deployment success rate", `> ${goal} %`];
  if (isUnreadable(deployments)) return notMeasured(name, text, deployments.unreadable);
  const rate = successRate(deployments);
  if (rate === undefined) return notMeasured(name, text, "no deployment in this time");
  return { name, goal: text, measured: successText(deployments), isMet: rate > goal };
}

/** `19 of 20 updates (95.0 %)`; rounded down, so that no goal looks met that isn't. */
export function successText(deployments: Deployments): string {
  const { succeeded, failed } = deployments;
  const rate = successRate(deployments);
  const percent = rate === undefined ? "" : ` (${(Math.floor(rate * 10) / 10).toFixed(1)} %)`;
  return `${succeeded} of ${succeeded + failed} updates${percent}`;
}

function deploymentTime({ deployments }: KpiFacts): Kpi {
  const [name, goal] = ["Deployment time", "< 10 min"];
  if (isUnreadable(deployments)) return notMeasured(name, goal, deployments.unreadable);
  const { seconds } = deployments;
  if (seconds === undefined) return notMeasured(name, goal, "no deployment in this time");
  const measured = `median ${secondsText(seconds.median)}, longest ${secondsText(seconds.longest)}`;
  return { name, goal, measured, isMet: seconds.longest < 600 };
}

function duplication({ doubled }: KpiFacts): Kpi {
  return {
    name: "Services that run twice, in the monorepo and as a release",
    goal: "0",
    measured: doubled.length === 0 ? "0" : `${doubled.length}: ${doubled.join(", ")}`,
    // That none runs twice doesn't say that no code is there twice.
    ...(doubled.length > 0 && { isMet: false }),
  };
}

export function secondsText(seconds: number): string {
  return seconds < 600 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** Whether a target runs both in the monorepo and as a release. */
export function isDoubled({ images, legacy }: Pick<RouteRecord, "images" | "legacy">): boolean {
  return legacy === "standby" && (images.blue ?? images.green) !== undefined;
}
