import type { RoutedTargetName } from "../catalog";
import { type ReleasePart, changedParts } from "./contents";
import { believed, isTampered } from "./routeRecord";
import type { LiveRoute, RouteRecord } from "./routeRecord";
import { ALL_LEGACY, splitsEqual } from "./split";
import type { Color, Split } from "./split";
import { deriveStage, inFlight } from "./stage";
import type { Stage } from "./stage";
import { nextRecord } from "./transition";
import type { WantedTarget } from "./transition";
import { isWayBack } from "./wayBack";

/** One target's way from its live route to what is wanted. */
export interface Move {
  readonly target: RoutedTargetName;
  /** Absent without a route, or with one that can't be believed. */
  readonly live?: RouteRecord;
  /** Why the live route can't be believed. */
  readonly tampered?: string;
  /** From the last successful update. */
  readonly applied?: Split;
  readonly wanted: WantedTarget;
  /** What the route would carry afterwards. */
  readonly next: RouteRecord;
  /** Absent without a believable route. */
  readonly stage?: Stage;
  /** A retirement that comes too early is left out of account: it isn't going to happen. */
  readonly nextStage: Stage;
  readonly retiresTooEarly: boolean;
  readonly isTransition: boolean;
  /** A rollback, which no rule refuses. */
  readonly isWayBack: boolean;
}

export interface MoveInput {
  readonly target: RoutedTargetName;
  readonly route: LiveRoute | undefined;
  readonly applied: Split | undefined;
  readonly wanted: WantedTarget;
  readonly soakHours: number;
  readonly now: Date;
}

export function describeMove({ target, route, applied, wanted, soakHours, now }: MoveInput): Move {
  const live = believed(route);
  const next = nextRecord(target, live, wanted, now);
  const stage = live && deriveStage(live, soakHours, now);
  const retiresTooEarly = live?.legacy === "standby" && wanted.legacy === "retired" && stage !== "soaked";
  return {
    target,
    ...(live && { live }),
    ...(stage && { stage }),
    ...(route && isTampered(route) && { tampered: route.tampered }),
    ...(applied && { applied }),
    wanted,
    next,
    nextStage: deriveStage(retiresTooEarly ? { ...next, legacy: "standby" } : next, soakHours, now),
    retiresTooEarly,
    isTransition: live === undefined || !splitsEqual(live.split, wanted.split),
    isWayBack: live === undefined ? splitsEqual(wanted.split, ALL_LEGACY) : isWayBack(live, wanted),
  };
}

/** A transition of a target that isn't extracted, other than a way back or the adoption of a split. */
export function isForward({ live, wanted, retiresTooEarly, isTransition, isWayBack }: Move): boolean {
  const keepsLegacy = wanted.legacy === "standby" || retiresTooEarly;
  return live !== undefined && keepsLegacy && isTransition && !isWayBack;
}

export function isInFlight(move: Move): boolean {
  return move.stage !== undefined && inFlight(move.stage);
}

/** In what a colour with traffic would be another release in the same place. */
export function editedUnderTraffic({ live, wanted }: Move, color: Color): readonly ReleasePart[] {
  if (live === undefined || live.split[color] === 0 || wanted.images[color] === undefined) return [];
  return changedParts(live, wanted, color);
}
