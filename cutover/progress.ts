import { type RoutedTargetName, type TargetName, routedTargets } from "../catalog";
import {
  type RouteRecord,
  type Split,
  type Stage,
  deriveStage,
  formatOverride,
  formatSplit,
  formatStep,
  formatTime,
} from "../migration";
import { type Told, isUnreadable } from "./fileState";
import {
  type Deployments,
  type Kpi,
  criticalTargets,
  deploymentsIn,
  isDoubled,
  kpisOf,
  milestoneOf,
  recordAt,
  secondsText,
  stageAt,
  timeInStages,
} from "./kpis";
import { type Period, isWithin, weekNumber } from "./period";
import { type Situation, type TargetSituation, formatMinute } from "./situation";
import type { CarriedOut, StackRecord } from "./stackRecord";
import { isRollback } from "./transitions";

export interface ProgressFacts {
  readonly stack: string;
  readonly period: Period;
  /** The migration's first day. */
  readonly start: Date;
  readonly now: Date;
  readonly soakHours: number;
  readonly record: StackRecord;
  /** File, cluster and state at `now`. */
  readonly situation: Told<Situation>;
  readonly repositories?: number;
}

/** What a report says of a week or a day. */
export interface Progress extends Pick<ProgressFacts, "stack" | "period" | "start" | "now" | "repositories"> {
  /** The period isn't over: what is told of the present is told too. */
  readonly isCurrent: boolean;
  readonly critical: { readonly extracted: readonly RoutedTargetName[]; readonly of: number };
  /** Those that became extracted in the period. */
  readonly extracted: readonly RoutedTargetName[];
  /** Oldest first. */
  readonly transitions: readonly CarriedOut[];
  readonly rollbacks: readonly CarriedOut[];
  /** Those that have left legacy and aren't extracted yet. */
  readonly inProgress: readonly Standing[];
  /** A colour runs, without traffic. */
  readonly staged: readonly RoutedTargetName[];
  readonly deployments: Told<Deployments>;
  /** Drift, refusals, failures: what must be seen to. */
  readonly blocked: Told<readonly string[]>;
  /** What may become trouble, or only waits for time. */
  readonly warnings: readonly string[];
  /** The steps to take next, of the first tier that has any. */
  readonly next: Told<{ readonly tier?: number; readonly steps: readonly string[] }>;
  readonly milestone: number;
  readonly kpis: readonly Kpi[];
  readonly stageTimes: readonly {
    readonly target: RoutedTargetName;
    /** In milliseconds. */
    readonly times: Readonly<Partial<Record<Stage, number>>>;
  }[];
}

/** Where a target stands at the period's end, or now. */
export interface Standing extends Pick<RouteRecord, "images" | "legacy"> {
  readonly target: RoutedTargetName;
  readonly stage: Stage;
  readonly split: Split;
  readonly since: Date;
  /** Known of the present only. */
  readonly stepsLeft?: number;
}

/** What isn't asked about the past: the cluster tells how things are, not how they were. */
const pastUnknown: { readonly unreadable: string } = {
  unreadable: "that is known of the present only",
};

export function progressOf(facts: ProgressFacts): Progress {
  const { stack, period, start, now, record, soakHours, repositories } = facts;
  const isCurrent = isWithin(period, now);
  const until = now < period.to ? now : period.to;
  const situation = isCurrent ? facts.situation : pastUnknown;
  const standings = standingsAt(facts, until, situation);
  const extracted = standings.filter(({ stage }) => stage === "extracted").map(({ target }) => target);
  const transitions = record.transitions.filter(({ commit }) => isWithin(period, commit.at));
  const deployments = isUnreadable(record.updates) ? record.updates : deploymentsIn(period, record.updates);
  const milestone = milestoneOf(period.week ?? Math.max(1, weekNumber(start, period.from)));
  return {
    stack,
    period,
    start,
    now,
    ...(repositories !== undefined && { repositories }),
    isCurrent,
    critical: {
      extracted: criticalTargets.filter((target) => extracted.includes(target)),
      of: criticalTargets.length,
    },
    extracted: extracted.filter(
      (target) => stageAt(record, target, soakHours, justBefore(period.from)) !== "extracted",
    ),
    transitions,
    rollbacks: transitions.filter(isRollback),
    inProgress: standings.filter(({ stage }) => hasLeftLegacy.includes(stage)),
    staged: standings.filter(({ stage }) => stage === "staged").map(({ target }) => target),
    deployments,
    blocked: isUnreadable(situation) ? situation : blockers(situation),
    warnings: warnings(facts, transitions, situation),
    next: isUnreadable(situation) ? situation : nextSteps(situation),
    milestone,
    kpis: kpisOf(milestone, {
      extracted,
      doubled: standings.filter(isDoubled).map(({ target }) => target),
      deployments,
      ...(repositories !== undefined && { repositories }),
    }),
    stageTimes: routedTargets.flatMap((target) => {
      const times = timeInStages(record.records.get(target) ?? [], soakHours, until);
      return Object.keys(times).length === 0 ? [] : [{ target, times }];
    }),
  };
}

/** Live where the present is asked about, else as git tells it. */
function standingsAt(
  { record, soakHours }: ProgressFacts,
  until: Date,
  situation: Told<Situation>,
): Standing[] {
  if (!isUnreadable(situation)) {
    return situation.targets.flatMap(({ target, stage, split, since, images, legacy, steps }): Standing[] =>
      stage === undefined || split === undefined || since === undefined
        ? []
        : [{ target, stage, split, since, images, legacy, stepsLeft: steps.length }],
    );
  }
  return routedTargets.flatMap((target): Standing[] => {
    const found = recordAt(record.records.get(target), until);
    if (found === undefined) return [];
    const { split, since, images, legacy } = found;
    return [{ target, split, since, images, legacy, stage: deriveStage(found, soakHours, until) }];
  });
}

/** And isn't extracted yet. */
const hasLeftLegacy: readonly Stage[] = ["splitting", "soaking", "soaked", "releasing"];

function justBefore(time: Date): Date {
  return new Date(time.getTime() - 1);
}

/** Drift has a line of its own; the others only say whose turn it is. */
const toldOtherwise: readonly string[] = ["drift", "one-in-flight", "order"];

function blockers({ targets, stateRead }: Situation): string[] {
  return [
    ...targets.flatMap(({ target, drift, command, heldBack }) => [
      ...(drift === undefined
        ? []
        : [`${target}: ${drift.kind}: ${drift.text}${command === undefined ? "" : `; ${command}`}`]),
      ...heldBack
        .filter((violation) => violation.target === target && violation.notBefore === undefined)
        .filter(({ rule }) => !toldOtherwise.includes(rule))
        .map(
          ({ rule, key, found, expected }) =>
            `${target}: ${rule}: ${key}: found ${found}, expected ${expected}`,
        ),
    ]),
    ...(stateRead ? [] : ["the state couldn't be read, so that some drift can't be seen"]),
  ];
}

function warnings(
  { record }: ProgressFacts,
  transitions: readonly CarriedOut[],
  situation: Told<Situation>,
): string[] {
  const name = ({ target, commit }: CarriedOut): string =>
    `${target ?? "stack file"} at ${commit.id.slice(0, 9)} (${commit.summary})`;
  const soaking = isUnreadable(situation)
    ? []
    : situation.targets.flatMap(({ target, next }) =>
        next?.kind === "soak" && next.until !== undefined
          ? [`${target} soaks until ${formatMinute(next.until)}`]
          : [],
      );
  const overrides = isUnreadable(situation)
    ? []
    : situation.overrides.map((override) => formatOverride(override, situation.at));
  return [
    ...soaking,
    ...overrides,
    ...(isUnreadable(situation) && situation !== pastUnknown
      ? [`the present isn't known: ${situation.unreadable}`]
      : []),
    ...transitions
      .filter(({ changes }) => changes.some(({ kind }) => kind === "unreadable"))
      .map((each) => `can't be read: ${name(each)}`),
    ...transitions
      .filter(({ updates }) => updates.length > 0 && updates.at(-1)?.result !== "succeeded")
      .map((each) => `its last update didn't succeed: ${name(each)}`),
    ...transitions
      .filter(({ commit, changes }) => commit.good === undefined && changes.some(isVerifiable))
      .map((each) => `no good tag says that it was verified: ${name(each)}`),
    ...(record.isShallow
      ? ["the clone is shallow, so that older commits are missing: git fetch --unshallow"]
      : []),
  ];
}

function isVerifiable({ kind }: CarriedOut["changes"][number]): boolean {
  return kind === "traffic" || kind === "legacy";
}

function nextSteps({ targets, infrastructure }: Situation): {
  readonly tier?: number;
  readonly steps: readonly string[];
} {
  const left: { readonly tier: number; readonly target: TargetName; readonly text: string }[] = [
    ...targets.flatMap((each) =>
      each.steps.length === 0 ? [] : [{ tier: each.tier, target: each.target, text: nextText(each) }],
    ),
    ...(infrastructure.owner === "pulumi"
      ? []
      : [
          { tier: infrastructure.tier, target: "infrastructure" as const, text: "owner: pulumi in the file" },
        ]),
  ];
  if (left.length === 0) return { steps: [] };
  const tier = Math.min(...left.map((each) => each.tier));
  return {
    tier,
    steps: left.filter((each) => each.tier === tier).map(({ target, text }) => `${target}: ${text}`),
  };
}

function nextText({ next, steps: [first], heldBackBy, command }: TargetSituation): string {
  const step = next ?? first;
  const what = step === undefined || step.kind === "soak" ? "" : `${formatStep(step)}: `;
  return `${what}${command ?? heldBackBy}`;
}

/** `frontend: splitting, legacy 90 / blue 10, since …; 4 steps left` */
export function standingText({ target, stage, split, since, stepsLeft }: Standing): string {
  const left = stepsLeft === undefined ? "" : `; ${stepsLeft} ${stepsLeft === 1 ? "step" : "steps"} left`;
  return `${target}: ${stage}, ${formatSplit(split)}, since ${formatTime(since)}${left}`;
}

/** `legacy 1.2 d, splitting 3.0 h` */
export function stageTimesText(times: Readonly<Partial<Record<Stage, number>>>): string {
  return Object.entries(times)
    .map(([stage, ms]) => `${stage} ${durationText(ms)}`)
    .join(", ");
}

function durationText(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 2) return secondsText(ms / 1000);
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} d`;
}
