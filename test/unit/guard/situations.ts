import type { RoutedTargetName } from "../../../catalog";
import type { Alert } from "../../../guard/alert";
import type { GuardedTarget, Situation } from "../../../guard/decide";
import {
  ALL_LEGACY,
  type Backend,
  type LiveRoute,
  type RouteRecord,
  type Split,
  allOn,
  parseSplit,
} from "../../../migration";

export const now = new Date("2025-08-12T03:00:00Z");

export function splitOf(text: string): Split {
  const split = parseSplit(text);
  if (split === undefined) throw new Error(text);
  return split;
}

/** On the way from legacy to blue, or wherever `changes` say. */
export function routeOf(split: string, changes: Partial<RouteRecord> = {}): RouteRecord {
  return {
    split: splitOf(split),
    since: new Date("2025-08-12T02:00:00Z"),
    previous: ALL_LEGACY,
    heldFull: "legacy",
    transition: `to ${split}`,
    images: { blue: "registry/app:1" },
    legacy: "standby",
    ...changes,
  };
}

/** Extracted, with a release of green. */
export function releasing(split: string, changes: Partial<RouteRecord> = {}): RouteRecord {
  return routeOf(split, {
    previous: allOn("blue"),
    heldFull: "blue",
    legacy: "retired",
    images: { blue: "registry/app:1", green: "registry/app:2" },
    ...changes,
  });
}

export function trigger(target: RoutedTargetName, backend?: Backend, changes: Partial<Alert> = {}): Alert {
  return {
    name: "ErrorsTooHigh",
    target,
    ...(backend && { backend }),
    isTrigger: true,
    isFiring: true,
    startsAt: now,
    ...changes,
  };
}

const wanted: GuardedTarget = { split: ALL_LEGACY, images: {}, legacy: "standby", adopt: false };

/** Prometheus agrees with what is `firing`; without it, it can't be asked. */
export function situation(
  routes: readonly (readonly [RoutedTargetName, LiveRoute])[],
  changes: Partial<Situation> = {},
): Situation {
  return {
    now,
    live: new Map(routes),
    wanted: () => wanted,
    underWay: new Set(),
    handled: new Set(),
    firing: undefined,
    lately: () => new Set(),
    recent: new Map(),
    windowMs: 300_000,
    protected: new Set(),
    ...changes,
  };
}
