import { type RoutedTargetName, type TargetName, routedTargets } from "../catalog";
import { ALL_LEGACY, COLORS, formatSplit, isWayBack, nextRecord, splitsEqual } from "../migration";
import type { Color, LegacyState, RouteRecord, Split, WantedTarget } from "../migration";
import type { FileCommit, Version } from "./fileHistory";
import { type Owner, type Told, isUnreadable } from "./fileState";

/** One thing that a commit changed of a target. */
export type Change =
  | {
      readonly kind: "traffic";
      readonly from: Split;
      readonly to: Split;
      /** `adoption`: a split that was running already was taken over. */
      readonly direction: "forward" | "rollback" | "adoption";
    }
  /** An image was staged, replaced or taken away. */
  | { readonly kind: "image"; readonly color: Color; readonly from?: string; readonly to?: string }
  | { readonly kind: "legacy"; readonly from: LegacyState; readonly to: LegacyState }
  | { readonly kind: "owner"; readonly from: Owner; readonly to: Owner }
  | { readonly kind: "unreadable"; readonly why: string };

/** What one commit changed of one target. */
export interface Transition {
  readonly commit: FileCommit;
  /** Absent where nothing of the whole file could be read. */
  readonly target?: TargetName;
  readonly changes: readonly Change[];
}

/** From when on a target's file entry read so. The record is the one that the route was given, by the commit's time. */
export interface Recorded {
  readonly at: Date;
  readonly record: RouteRecord;
}

export interface Replay {
  /** Oldest first; of one commit in the plan's order. */
  readonly transitions: readonly Transition[];
  /** Oldest first; empty for a target that could never be read. */
  readonly records: ReadonlyMap<RoutedTargetName, readonly Recorded[]>;
}

/** What every target is before the file's first version. */
export const untouched: WantedTarget = { split: ALL_LEGACY, images: {}, legacy: "standby", adopt: false };

/** Plays a stack file's versions again, by the same rules by which the program makes the routes' records. */
export function replay(versions: readonly Version[]): Replay {
  const transitions: Transition[] = [];
  const records = new Map<RoutedTargetName, Recorded[]>();
  const unread = new Map<TargetName, string>();
  /** What stays unreadable is told once. */
  const news = (target: TargetName, found: readonly Change[]): readonly Change[] => {
    const why = found.find((change) => change.kind === "unreadable")?.why;
    const isOld = why !== undefined && unread.get(target) === why;
    if (why === undefined) unread.delete(target);
    else unread.set(target, why);
    return isOld ? [] : found;
  };
  let owner: Owner = "terraform";
  for (const { commit, state } of versions) {
    if (isUnreadable(state)) {
      transitions.push({ commit, changes: [{ kind: "unreadable", why: state.unreadable }] });
      continue;
    }
    for (const target of routedTargets) {
      const told = state.targets.get(target);
      if (told === undefined) continue;
      const changes = news(target, targetChanges(target, told, commit, records));
      if (changes.length > 0) transitions.push({ commit, target, changes });
    }
    const changes = news("infrastructure", ownerChanges(owner, state.owner));
    if (changes.length > 0) transitions.push({ commit, target: "infrastructure", changes });
    if (!isUnreadable(state.owner)) owner = state.owner;
  }
  return { transitions, records };
}

/** `rollback: blue 100 -> legacy 100` */
export function changeText(change: Change, image: (reference: string) => string): string {
  switch (change.kind) {
    case "traffic":
      return `${change.direction}: ${formatSplit(change.from)} -> ${formatSplit(change.to)}`;
    case "image":
      if (change.from === undefined) return `${change.color} staged: ${image(change.to ?? "")}`;
      return change.to === undefined
        ? `${change.color} removed: ${image(change.from)}`
        : `${change.color}: ${image(change.from)} -> ${image(change.to)}`;
    case "legacy":
      return change.to === "retired" ? "legacy retired" : "legacy kept again";
    case "owner":
      return change.to === "pulumi" ? "adopted: owner pulumi" : "let go: owner terraform";
    case "unreadable":
      return `can't be read: ${change.why}`;
  }
}

/** The fast road writes its commit's message itself, so it is known by that. */
export function road({ commit, target, changes }: Transition): "fast" | "plain" {
  const isFast = changes.some(
    (change) =>
      change.kind === "traffic" &&
      commit.summary === `${target ?? ""}: rollback to ${formatSplit(change.to)}`,
  );
  return isFast ? "fast" : "plain";
}

export function isRollback({ changes }: Transition): boolean {
  return changes.some((change) => change.kind === "traffic" && change.direction === "rollback");
}

function targetChanges(
  target: RoutedTargetName,
  told: Told<WantedTarget>,
  commit: FileCommit,
  records: Map<RoutedTargetName, Recorded[]>,
): Change[] {
  if (isUnreadable(told)) return [{ kind: "unreadable", why: told.unreadable }];
  const line = records.get(target) ?? [];
  const isFirst = line.length === 0;
  const before = line.at(-1)?.record ?? nextRecord(target, undefined, untouched, commit.at);
  const changes = changesBetween(before, told, isFirst);
  if (isFirst || changes.length > 0) {
    records.set(target, [...line, { at: commit.at, record: nextRecord(target, before, told, commit.at) }]);
  }
  return changes;
}

function changesBetween(before: RouteRecord, wanted: WantedTarget, isFirst: boolean): Change[] {
  const images = COLORS.flatMap((color): Change[] => {
    const [from, to] = [before.images[color], wanted.images[color]];
    if (from === to) return [];
    return [{ kind: "image", color, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
  const traffic: Change[] = splitsEqual(before.split, wanted.split)
    ? []
    : [
        {
          kind: "traffic",
          from: before.split,
          to: wanted.split,
          direction: directionOf(before, wanted, isFirst),
        },
      ];
  const legacy: Change[] =
    before.legacy === wanted.legacy ? [] : [{ kind: "legacy", from: before.legacy, to: wanted.legacy }];
  return [...images, ...traffic, ...legacy];
}

function directionOf(
  before: RouteRecord,
  wanted: WantedTarget,
  isFirst: boolean,
): "forward" | "rollback" | "adoption" {
  if (isFirst && wanted.adopt) return "adoption";
  return isWayBack(before, wanted) ? "rollback" : "forward";
}

function ownerChanges(from: Owner, told: Told<Owner>): Change[] {
  if (isUnreadable(told)) return [{ kind: "unreadable", why: told.unreadable }];
  return told === from ? [] : [{ kind: "owner", from, to: told }];
}
