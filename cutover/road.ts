import { ALL_LEGACY, type LiveRoute, isTampered, isWayBack, splitsEqual } from "../migration";
import type { WantedTarget } from "../migration";

/** How a target gets from its live route to what a rollback of the whole stack wants. */
export type Road =
  /** Its traffic is there already. */
  | "there"
  /** The route is written at once. */
  | "fast"
  /** No way back: the rules judge it, and the update carries it out. */
  | "forward";

/** Where the live route can't be believed, only the way to legacy is known to lead back. */
export function roadTo(live: LiveRoute | undefined, wanted: WantedTarget): Road {
  if (live === undefined || isTampered(live)) {
    return splitsEqual(wanted.split, ALL_LEGACY) ? "fast" : "forward";
  }
  if (splitsEqual(live.split, wanted.split)) return "there";
  return isWayBack(live, wanted) ? "fast" : "forward";
}
