import { catalogEntry, comesBefore, routedTargets } from "../catalog";
import type { CatalogEntry, RoutedTarget, RoutedTargetName, TargetName } from "../catalog";
import { type JudgedConfig, type JudgedFacts, judged, overridesIn } from "../config/judged";
import type { DatabaseConfig } from "../config/parse";
import { type Applied, type AppliedDatabase, parseOutputs } from "../stack/outputs";
import {
  ALL_LEGACY,
  COLORS,
  believed,
  deriveStage,
  formatMigrationState,
  formatOverride,
  formatSplit,
  inFlight,
  isThrough,
  isTampered,
  judge,
  migrationState,
  splitsEqual,
} from "../migration";
import type {
  Color,
  Images,
  LegacyState,
  LiveRoute,
  MigrationState,
  Override,
  Owner,
  Phase,
  RouteRecord,
  Split,
  Stage,
  Violation,
  WantedTarget,
} from "../migration";
import { applyStep, candidateOf, formatStep, stepsToExtracted } from "../migration";
import type { PlannedStep } from "../migration";

/** File, cluster and state, each as it was read. */
export interface SituationInput extends JudgedFacts {
  /** What the stack file asks for. */
  readonly config: JudgedConfig;
  /** Of the last successful update; undefined if the state couldn't be read. */
  readonly applied: Applied | undefined;
}

/** Where all targets stand. */
export interface Situation {
  readonly at: Date;
  readonly soakHours: number;
  /** False: what was last applied isn't known, so that some drift can't be seen. */
  readonly stateRead: boolean;
  /** In the plan's order. */
  readonly targets: readonly TargetSituation[];
  readonly infrastructure: InfrastructureSituation;
  readonly phase: Phase;
  readonly state: MigrationState;
  /** All that stand in the file, in force or not. */
  readonly overrides: readonly Override[];
}

export interface InfrastructureSituation extends Pick<CatalogEntry<"infrastructure">, "tier" | "priority"> {
  /** As the file says. */
  readonly owner: Owner;
  /** What the rules refuse of its adoption, as things stand; empty once it is adopted. */
  readonly heldBack: readonly Violation[];
}

/** Where file, cluster and state of a target don't agree. */
export interface Drift {
  readonly kind:
    /** The route's weights and annotations don't tell one story. */
    | "tampered"
    | "live differs from applied and wanted"
    /** The route is as the file asks, but no update has recorded it: one was interrupted. */
    | "not recorded yet"
    /** The route is as it was last applied, the file asks for something else. */
    | "not applied yet"
    | "missing route";
  /** What differs, in figures. */
  readonly text: string;
  /** What resolves it. */
  readonly command: string;
}

/** A target's own database, as the file says. */
export interface DatabaseSituation extends Pick<DatabaseConfig, "instance" | "mode" | "kept"> {
  /** Of the last successful update; absent before it has one, or if the state couldn't be read. */
  readonly applied?: AppliedDatabase;
  /** The image of the step that its schema has gone through last. */
  readonly step?: string;
  /** Past a contract step, as the route says: the way back is a restore. */
  readonly contracted: boolean;
}

export interface TargetSituation extends Pick<RoutedTarget, "tier" | "priority"> {
  readonly target: RoutedTargetName;
  /** Of the live route; absent, as all that is live, without a route that can be believed. */
  readonly stage?: Stage;
  readonly split?: Split;
  /** When the live split was applied. */
  readonly since?: Date;
  readonly inFlight: boolean;
  /** Absent if it has none of its own. */
  readonly database?: DatabaseSituation;
  /** What runs; without a believable route, what the file asks for. */
  readonly images: Images;
  /** As `images`. */
  readonly legacy: LegacyState;
  readonly applied?: Split;
  /** From the file. */
  readonly wanted: WantedTarget;
  readonly drift?: Drift;
  /** Who is given traffic next; absent if no colour has an image. Where `ambiguous`, the steps are those of one. */
  readonly candidate?: Color | "ambiguous";
  /** From where the file is to extracted; see `stepsToExtracted`. */
  readonly steps: readonly PlannedStep[];
  /** The first of `steps`; absent when there is none, or drift comes first. */
  readonly next?: PlannedStep;
  /**
   * What the rules refuse of the config that carries out the next step (after a soak: the one after it), given all
   * else as it is; without such, of the file as it is. The target's own refusals first.
   */
  readonly heldBack: readonly Violation[];
  /** What holds the next step back, in a few words; `nothing` when it is free, `done` when there is none. */
  readonly heldBackBy: string;
  /** When time alone sets the next step free. */
  readonly notBefore?: Date;
  /** What to type next; absent where only waiting, an image or the end of another's flight helps. */
  readonly command?: string;
}

/** Puts together what file, cluster and state say of every target, and what the rules say of its next step. */
export function situationOf({ config, applied, ...facts }: SituationInput): Situation {
  const { soakHours } = config.migration;
  const { live, now } = facts;
  const splits = applied?.splits;
  const places = routedTargets.map((target) =>
    placeOf(target, wantedOf(config.targets[target]), live.get(target), splits?.get(target), soakHours, now),
  );
  const input = judged(config, applied ?? parseOutputs({}), facts);
  const judgeWith = (target: RoutedTargetName, changed: WantedTarget): Violation[] =>
    judge({ ...input, wanted: new Map(input.wanted).set(target, changed) });
  const adopted = judge({ ...input, ownership: { ...input.ownership, wanted: "pulumi" } });
  const { tier, priority } = catalogEntry("infrastructure");
  const records = routedTargets.map((target) => believed(live.get(target)));
  return {
    at: now,
    soakHours,
    stateRead: applied !== undefined,
    targets: places.map((place) => {
      const record = believed(live.get(place.target));
      const database = databaseOf(place.target, config, { applied, record });
      return { ...withHoldBacks(place, places, judgeWith), ...(database && { database }) };
    }),
    infrastructure: {
      tier,
      priority,
      owner: config.infrastructure.owner,
      heldBack: adopted.filter(({ target }) => target === "infrastructure"),
    },
    phase: config.migration.phase,
    state: migrationState(records, config.infrastructure.owner, now),
    overrides: overridesIn(config),
  };
}

/** Lines such as `pyairtable:frontend.traffic: legacy 100 -> legacy 90 / blue 10`, one per key that differs. */
export function configChanges(
  target: RoutedTargetName,
  from: Pick<WantedTarget, "split" | "images" | "legacy">,
  to: Pick<WantedTarget, "split" | "images" | "legacy">,
): readonly string[] {
  const keys: readonly (readonly [key: string, from: string, to: string])[] = [
    ...COLORS.map((color) => [color, from.images[color] ?? "none", to.images[color] ?? "none"] as const),
    ["traffic", formatSplit(from.split), formatSplit(to.split)],
    ["legacy", from.legacy, to.legacy],
  ];
  return keys
    .filter(([, old, changed]) => old !== changed)
    .map(([key, old, changed]) => `pyairtable:${target}.${key}: ${old} -> ${changed}`);
}

/** The migration as a whole, and the exceptions that stand in the file: a line each. */
export function standingOf({ at, phase, state, overrides }: Situation): readonly string[] {
  return [
    `${phase}, ${formatMigrationState(state)}`,
    ...overrides.map((override) => formatOverride(override, at)),
  ];
}

/** UTC to the minute, never too early: `2026-11-24 08:00Z`. */
export function formatMinute(time: Date): string {
  const minute = new Date(Math.ceil(time.getTime() / 60_000) * 60_000);
  return `${minute.toISOString().slice(0, 16).replace("T", " ")}Z`;
}

type Place = Omit<TargetSituation, "heldBack" | "heldBackBy" | "notBefore" | "command">;

function placeOf(
  target: RoutedTargetName,
  wanted: WantedTarget,
  route: LiveRoute | undefined,
  applied: Split | undefined,
  soakHours: number,
  now: Date,
): Place {
  const { tier, priority } = catalogEntry(target);
  const record = believed(route);
  const stage = record && deriveStage(record, soakHours, now);
  const drift = driftOf(target, route, applied, wanted);
  const candidate = candidateOf(record, wanted);
  const steps = stepsToExtracted(record, wanted, soakHours, now);
  const [first] = steps;
  return {
    target,
    tier,
    priority,
    ...(record && { split: record.split, since: record.since }),
    ...(stage && { stage }),
    inFlight: stage !== undefined && inFlight(stage),
    images: record?.images ?? wanted.images,
    legacy: record?.legacy ?? wanted.legacy,
    ...(applied && { applied }),
    wanted,
    ...(drift && { drift }),
    ...(candidate !== undefined && { candidate }),
    steps,
    ...(first && drift === undefined && { next: first }),
  };
}

/** As `wantedOf`: without its password. */
function databaseOf(
  target: RoutedTargetName,
  { targets }: JudgedConfig,
  before: { readonly applied: Applied | undefined; readonly record: RouteRecord | undefined },
): DatabaseSituation | undefined {
  const { database } = targets[target];
  if (database === undefined) return undefined;
  const { instance, mode, kept } = database;
  const applied = before.applied?.databases.get(target);
  const step = before.applied?.steps.get(target)?.image;
  const contracted = before.record?.contracted !== undefined;
  return {
    ...{ instance, mode, kept, contracted },
    ...(applied && { applied }),
    ...(step !== undefined && { step }),
  };
}

/** Without the rest of a target's config: secrets must not reach a report. */
function wantedOf({ split, images, legacy, adopt, database }: WantedTarget): WantedTarget {
  if (database === undefined) return { split, images, legacy, adopt };
  const { instance, migration } = database;
  const schema = { instance, ...(migration !== undefined && { migration }) };
  return { split, images, legacy, adopt, database: schema };
}

function driftOf(
  target: RoutedTargetName,
  route: LiveRoute | undefined,
  applied: Split | undefined,
  wanted: WantedTarget,
): Drift | undefined {
  const reconcile = `cutover reconcile ${target}`;
  if (route === undefined) {
    return applied === undefined
      ? { kind: "not applied yet", text: "there is no route yet", command: "pulumi up" }
      : {
          kind: "missing route",
          text: `there is no live route; last applied was ${formatSplit(applied)}`,
          command: reconcile,
        };
  }
  if (isTampered(route)) return { kind: "tampered", text: route.tampered, command: reconcile };
  return driftOfSplit(target, route, applied, wanted);
}

function driftOfSplit(
  target: RoutedTargetName,
  live: RouteRecord,
  applied: Split | undefined,
  wanted: WantedTarget,
): Drift | undefined {
  const isApplied = applied === undefined || splitsEqual(live.split, applied);
  if (!isApplied && splitsEqual(live.split, wanted.split)) {
    return {
      kind: "not recorded yet",
      text: `the route has ${formatSplit(live.split)}, as the file asks, but the last update that finished left ${formatSplit(applied)}`,
      command: "cutover resume",
    };
  }
  if (!isApplied) {
    return {
      kind: "live differs from applied and wanted",
      text: `the route has ${formatSplit(live.split)}; last applied was ${formatSplit(applied)}, and the file asks for ${formatSplit(wanted.split)}`,
      command: `cutover reconcile ${target}`,
    };
  }
  const changes = configChanges(target, live, wanted);
  if (changes.length === 0) return undefined;
  return { kind: "not applied yet", text: changes.join(", "), command: "cutover resume" };
}

function withHoldBacks(
  place: Place,
  places: readonly Place[],
  judgeWith: (target: RoutedTargetName, changed: WantedTarget) => Violation[],
): TargetSituation {
  const { target, wanted, steps, next, drift, candidate } = place;
  const judged = next?.kind === "soak" ? steps[1] : next;
  const found = judgeWith(target, (judged && applyStep(judged, wanted)) ?? wanted);
  const isOwn = (violation: Violation): boolean => violation.target === target;
  const heldBack = [...found.filter(isOwn), ...found.filter((violation) => !isOwn(violation))];
  const notBefore = next?.kind === "soak" ? next.until : latest(heldBack);
  const isFree = next?.kind === "traffic" || next?.kind === "retire";
  const advance = isFree && candidate !== "ambiguous" ? `cutover advance ${target}` : undefined;
  const isRefused = heldBack.length > 0 && (drift === undefined || drift.kind === "not applied yet");
  const command = isRefused ? undefined : (drift?.command ?? advance);
  return {
    ...place,
    heldBack,
    heldBackBy: heldBackBy(place, heldBack, places),
    ...(notBefore && { notBefore }),
    ...(command !== undefined && { command }),
  };
}

/** When the last of `violations` ends, if time ends them all. */
function latest(violations: readonly Violation[]): Date | undefined {
  const times = violations.flatMap(({ notBefore }) => (notBefore === undefined ? [] : [notBefore.getTime()]));
  return times.length === 0 || times.length < violations.length ? undefined : new Date(Math.max(...times));
}

function heldBackBy(place: Place, [violation]: readonly Violation[], places: readonly Place[]): string {
  const { target, next, drift, candidate } = place;
  if (drift?.kind === "not applied yet") {
    return violation
      ? `not applied yet, and refused: ${violation.rule}`
      : `not applied yet: ${drift.command}`;
  }
  if (drift?.kind === "not recorded yet") return `not recorded yet: ${drift.command}`;
  if (drift !== undefined) return `drift: ${drift.command}`;
  if (next === undefined) return "done";
  if (next.kind === "soak") return next.until ? `soaking until ${formatMinute(next.until)}` : "the soak";
  if (next.kind === "stage") return `${next.color} has no image`;
  if (violation !== undefined) return refusal(target, violation, places);
  if (candidate === "ambiguous") return "say which: --to blue or --to green";
  return "nothing";
}

function refusal(target: RoutedTargetName, violation: Violation, places: readonly Place[]): string {
  if (violation.target !== target) {
    const drift = places.find((place) => place.target === violation.target)?.drift;
    return drift && violation.rule === "drift"
      ? `drift: ${drift.command}`
      : `${violation.target} is refused: ${violation.rule}`;
  }
  if (violation.rule === "order") return `after ${firstBefore(target, places)}`;
  if (violation.rule !== "one-in-flight") return `refused: ${violation.rule}`;
  const others = places.filter((place) => place.target !== target);
  const flying = others.filter((place) => place.inFlight);
  if (flying.length > 0) {
    return flying.map((other) => `${other.target} is ${other.stage ?? "in flight"}`).join(" and ");
  }
  return others.filter(setsOut).map(settingOut).join(" and ");
}

/** The first of those that the plan puts before it and that aren't through. */
function firstBefore(target: RoutedTargetName, places: readonly Place[]): TargetName {
  const open = places.find(
    (other) => comesBefore(other.target, target) && !isThrough(other.stage ?? "legacy"),
  );
  return open?.target ?? "infrastructure";
}

/** The file would put it in flight. */
function setsOut({ split, wanted }: Place): boolean {
  return !splitsEqual(split ?? ALL_LEGACY, wanted.split);
}

function settingOut({ target, drift }: Place): string {
  return drift?.kind === "not applied yet" ? `${target} moves too` : `${target} has drifted`;
}

/**
 * The situation as `cutover status --json` prints it. Times are ISO 8601 in UTC with milliseconds, shares percent.
 * Every key is always there, `null` where there is nothing to say; keys are added, never renamed.
 */
export interface SituationReport {
  readonly at: string;
  readonly soakHours: number;
  /** False: what was last applied couldn't be read. */
  readonly stateRead: boolean;
  /** The routed targets in the plan's order. */
  readonly targets: readonly TargetReport[];
  readonly infrastructure: Omit<InfrastructureSituation, "heldBack"> & {
    readonly violations: readonly ViolationReport[];
  };
  readonly phase: Phase;
  readonly state: string;
  readonly overrides: readonly (Omit<Override, "expires"> & { readonly expires: string })[];
}

type ViolationReport = Omit<Violation, "notBefore"> & { readonly notBefore: string | null };

/** See `TargetSituation`; `next` is `10 % blue`, `soak`, `retire legacy` or `an image for blue`. */
export interface TargetReport extends Pick<RoutedTarget, "tier" | "priority"> {
  readonly target: RoutedTargetName;
  readonly stage: Stage | null;
  readonly inFlight: boolean;
  readonly since: string | null;
  readonly split: Split | null;
  readonly applied: Split | null;
  readonly wanted: Split;
  readonly blue: string | null;
  readonly green: string | null;
  readonly legacy: LegacyState;
  readonly mode: DatabaseConfig["mode"] | null;
  readonly database: DatabaseReport | null;
  readonly candidate: Color | "ambiguous" | null;
  readonly next: string | null;
  readonly heldBackBy: string;
  readonly notBefore: string | null;
  readonly command: string | null;
  readonly violations: readonly ViolationReport[];
  readonly drift: Drift["kind"] | null;
  readonly driftText: string | null;
}

/** See `DatabaseSituation`. */
type DatabaseReport = Pick<DatabaseSituation, "instance" | "mode" | "kept" | "contracted"> & {
  readonly applied: AppliedDatabase | null;
  readonly step: string | null;
};

export function reportOf(situation: Situation): SituationReport {
  const { at, soakHours, stateRead, targets, infrastructure, phase, state, overrides } = situation;
  const { heldBack, ...shared } = infrastructure;
  return {
    at: at.toISOString(),
    soakHours,
    stateRead,
    targets: targets.map(targetReport),
    infrastructure: { ...shared, violations: heldBack.map(violationReport) },
    phase,
    state: formatMigrationState(state),
    overrides: overrides.map((override) => ({ ...override, expires: override.expires.toISOString() })),
  };
}

function violationReport(violation: Violation): ViolationReport {
  return { ...violation, notBefore: isoOrNull(violation.notBefore) };
}

function targetReport(situation: TargetSituation): TargetReport {
  const { target, tier, priority, images, next, drift, heldBack } = situation;
  return {
    target,
    tier,
    priority,
    stage: situation.stage ?? null,
    inFlight: situation.inFlight,
    since: isoOrNull(situation.since),
    split: situation.split ?? null,
    applied: situation.applied ?? null,
    wanted: situation.wanted.split,
    blue: images.blue ?? null,
    green: images.green ?? null,
    legacy: situation.legacy,
    mode: situation.database?.mode ?? null,
    database: situation.database ? databaseReport(situation.database) : null,
    candidate: situation.candidate ?? null,
    next: next ? formatStep(next) : null,
    heldBackBy: situation.heldBackBy,
    notBefore: isoOrNull(situation.notBefore),
    command: situation.command ?? null,
    violations: heldBack.map(violationReport),
    drift: drift?.kind ?? null,
    driftText: drift?.text ?? null,
  };
}

function databaseReport({ applied, step, ...database }: DatabaseSituation): DatabaseReport {
  return { ...database, applied: applied ?? null, step: step ?? null };
}

function isoOrNull(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}
