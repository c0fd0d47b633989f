import { routedTargets } from "../../../catalog";
import type { RoutedTargetName } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import { situationOf } from "../../../cutover/situation";
import type { Situation } from "../../../cutover/situation";
import { ALL_LEGACY, nextRecord } from "../../../migration";
import type { LiveRoute, RouteRecord, Split, WantedTarget } from "../../../migration";
import { type Applied, parseOutputs } from "../../../stack/outputs";
import { digest, stackFile } from "../config/stackFile";
import type { File } from "../config/stackFile";

/** Situations, told by their stack file and what differs from it. */

export const start = new Date("2026-11-23T08:00:00Z");
export const hours = (count: number): Date => new Date(start.getTime() + count * 3_600_000);
export const part: Split = { legacy: 90, blue: 10, green: 0 };
export const half: Split = { legacy: 50, blue: 50, green: 0 };
export const blue: Split = { legacy: 0, blue: 100, green: 0 };
export const green: Split = { legacy: 0, blue: 0, green: 100 };
export const staged = { blue: digest };
export const extracted = { ...staged, traffic: blue, legacy: "retired" };

export interface Case {
  /** What the file says, merged into a valid one. */
  readonly file?: File;
  /** What the file said when it was last applied, at `start`; default: `file`. */
  readonly before?: File;
  /** Live routes that aren't as they were applied; undefined for one that is gone. */
  readonly routes?: Partial<Record<RoutedTargetName, LiveRoute | undefined>>;
  readonly applied?: Partial<Record<RoutedTargetName, Split>> | "unreadable";
  /** What else the last update has left; default: nothing. */
  readonly left?: Partial<Pick<Applied, "databases" | "steps">>;
  /** After `start`. */
  readonly at?: number;
}

export const wantedOf = (file: File): Readonly<Record<RoutedTargetName, WantedTarget>> =>
  parseStackConfig(stackFile(file)).targets;

/** The route of a target that was all on legacy and has been updated at `start`. */
export function routeOf(target: RoutedTargetName, wanted: WantedTarget): RouteRecord {
  const fresh = nextRecord(target, undefined, { ...wanted, split: ALL_LEGACY, legacy: "standby" }, start);
  return nextRecord(target, fresh, wanted, start);
}

export function situation({
  file = {},
  before = file,
  routes = {},
  applied = {},
  left,
  at = 1,
}: Case): Situation {
  const was = wantedOf(before);
  const live = new Map<RoutedTargetName, LiveRoute>();
  for (const target of routedTargets) {
    const route = target in routes ? routes[target] : routeOf(target, was[target]);
    if (route !== undefined) live.set(target, route);
  }
  return situationOf({
    config: parseStackConfig(stackFile(file)),
    live,
    applied:
      applied === "unreadable"
        ? undefined
        : {
            ...parseOutputs({}),
            ...left,
            splits: new Map(routedTargets.map((target) => [target, applied[target] ?? was[target].split])),
          },
    staging: undefined,
    evidence: undefined,
    now: hours(at),
  });
}
