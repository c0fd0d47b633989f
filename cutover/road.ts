import {
  ALL_LEGACY,
  type LegacyState,
  type LiveRoute,
  isTampered,
  isWayBack,
  splitsEqual,
} from "../migration";
import type { WantedTarget } from "../migration";

/** How a target gets from its live route to what a rollback of the whole stack wants. */
export type Road =
  /** Its traffic is there already. */
  | "there"
  /** The route is written at once. */
  | "fast"
  /** Back, but the route names no legacy any more: an update makes it a backend again, and then the route is written. */
  | "plain"
  /** No way back: the rules judge it, and the update carries it out. */
  | "forward";

/** @param legacyInFile as the present stack file says, which decides where the live route can't be believed */
export function roadTo(live: LiveRoute | undefined, wanted: WantedTarget, legacyInFile: LegacyState): Road {
  if (live === undefined || isTampered(live)) {
    if (!splitsEqual(wanted.split, ALL_LEGACY)) return "forward";
    return legacyInFile === "standby" ? "fast" : "plain";
  }
  if (splitsEqual(live.split, wanted.split)) return "there";
  if (!isWayBack(live, wanted)) return "forward";
  return live.legacy === "retired" && wanted.split.legacy > live.split.legacy ? "plain" : "fast";
}
