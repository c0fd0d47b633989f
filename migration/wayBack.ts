import { type Release, changedParts } from "./contents";
import { isTampered } from "./routeRecord";
import type { LiveRoute, RouteRecord } from "./routeRecord";
import { ALL_LEGACY, COLORS, allOn, growsOnly, holder, isTowardsLegacy } from "./split";
import type { Split } from "./split";
import type { WantedTarget } from "./transition";

/**
 * Whether going from `live` to `wanted` is a rollback: towards legacy, unless that can't live with the schema any more, or
 * of a release to the standby that last held 100 %.
 */
export function isWayBack(live: RouteRecord, wanted: Wanted): boolean {
  const isRelease = live.legacy === "retired";
  const isToLegacy = live.contracted === undefined && isTowardsLegacy(live.split, wanted.split);
  return isToLegacy || (isRelease && returnsToStandby(live, wanted));
}

type Wanted = Pick<WantedTarget, "split"> & Release;

/** To the colour that held 100 % before, as it was then. */
function returnsToStandby(live: RouteRecord, wanted: Wanted): boolean {
  const { split, heldFull } = live;
  return (
    heldFull !== "legacy" &&
    growsOnly(heldFull, split, wanted.split) &&
    changedParts(live, wanted, heldFull).length === 0
  );
}

/** Why there is no other way back for a target. */
export const PAST_CONTRACT =
  "its schema is past a contract step, from which the way back is a restore that a human confirms: docs/restore.md";

/**
 * Where a rollback may lead, best first: the standby that last held 100 %, then legacy if it is kept. Empty where
 * there is no standby, and once all traffic is on it.
 * @param wanted what the file asks for, which decides where the live route can't be believed
 */
export function waysBack(live: LiveRoute, wanted: Wanted & Pick<WantedTarget, "legacy">): readonly Split[] {
  const toLegacy = wanted.legacy === "standby" ? [ALL_LEGACY] : [];
  if (isTampered(live)) {
    const idle = COLORS.filter((color) => wanted.images[color] !== undefined && wanted.split[color] === 0);
    return [...toLegacy, ...idle.map(allOn)];
  }
  if (holder(live.split) === "legacy") return [];
  const toStandby = { ...live, split: allOn(live.heldFull) };
  const kept = live.legacy === "standby" && live.contracted === undefined ? [ALL_LEGACY] : [];
  if (live.heldFull === "legacy" || !returnsToStandby(live, toStandby)) return kept;
  const isRunning = live.images[live.heldFull] !== undefined;
  return isRunning ? [toStandby.split, ...kept] : kept;
}
