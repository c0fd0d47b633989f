import type { RoutedTargetName } from "../catalog";
import { transitionId } from "./routeRecord";
import type { Images, LegacyState, RouteRecord } from "./routeRecord";
import { ALL_LEGACY, holder, splitsEqual } from "./split";
import type { Split } from "./split";
import { wholeSeconds } from "./time";

/** What the stack's config asks for, as far as the migration judges it. */
export interface WantedTarget {
  readonly split: Split;
  readonly images: Images;
  readonly legacy: LegacyState;
  /** Take over a split that is already running, instead of starting on legacy. */
  readonly adopt: boolean;
}

/**
 * The record that the route of `target` shall carry. While the split stays, so does its history: an update
 * without a transition changes no input. Without a live route the history starts on legacy.
 */
export function nextRecord(
  target: RoutedTargetName,
  live: RouteRecord | undefined,
  wanted: WantedTarget,
  now: Date,
): RouteRecord {
  const { images, legacy } = wanted;
  if (live !== undefined && splitsEqual(live.split, wanted.split)) return { ...live, images, legacy };
  const previous = live?.split ?? ALL_LEGACY;
  const since = wholeSeconds(now);
  return {
    split: wanted.split,
    since,
    previous,
    heldFull: holder(previous) ?? live?.heldFull ?? "legacy",
    transition: transitionId(target, previous, wanted.split, since),
    images,
    legacy,
  };
}
