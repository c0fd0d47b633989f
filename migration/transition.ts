import type { RoutedTargetName } from "../catalog";
import { type Contents, changedParts } from "./contents";
import { transitionId } from "./routeRecord";
import type { Images, LegacyState, RouteRecord } from "./routeRecord";
import { ALL_LEGACY, holder, splitsEqual } from "./split";
import type { Backend, Split } from "./split";
import { wholeSeconds } from "./time";
import { isWayBack } from "./wayBack";

/** What the stack's config asks for, as far as the migration judges it. */
export interface WantedTarget {
  readonly split: Split;
  readonly images: Images;
  /** Absent where the secrets can't be read: then the route goes on saying what it says. */
  readonly contents?: Contents;
  readonly legacy: LegacyState;
  /** Take over a split that is already running, instead of starting on legacy. */
  readonly adopt: boolean;
  /** Its own. Absent where it has none, and where nobody asks: then the schema stays what it is. */
  readonly database?: WantedSchema;
  /** This update brings the schema past a contract step, or finds it there. @default as the route says */
  readonly contracts?: boolean;
}

/** Which instance, and which step of its schema the releases need. */
export interface WantedSchema {
  readonly instance: string;
  readonly migration?: string;
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
  const { split, images, legacy } = wanted;
  const contents = wanted.contents ?? live?.contents;
  const rest = {
    images,
    ...(contents && { contents }),
    legacy,
    ...retirementOf(live, legacy, now),
    ...contractionOf(live, wanted),
  };
  if (live !== undefined && splitsEqual(live.split, split)) {
    const { since, previous, transition } = live;
    return { split, since, previous, heldFull: heldFullWith(live, wanted), transition, ...rest };
  }
  const previous = live?.split ?? ALL_LEGACY;
  const since = wholeSeconds(now);
  const full = holder(split);
  // What a rollback has left is no way back: a second rollback must not lead there.
  const arrived = live !== undefined && full !== undefined && isWayBack(live, wanted);
  return {
    split,
    since,
    previous,
    heldFull: arrived ? full : (holder(previous) ?? live?.heldFull ?? "legacy"),
    transition: transitionId(target, previous, split, since),
    ...rest,
  };
}

function retirementOf(
  live: RouteRecord | undefined,
  legacy: LegacyState,
  now: Date,
): Pick<RouteRecord, "retiredAt"> {
  if (legacy === "standby") return {};
  if (live?.legacy !== "retired") return { retiredAt: wholeSeconds(now) };
  return live.retiredAt === undefined ? {} : { retiredAt: live.retiredAt };
}

/** What a contract step took away comes back by a restore alone: another instance, and no step on it. */
function contractionOf(
  live: RouteRecord | undefined,
  { database, contracts = false }: WantedTarget,
): Pick<RouteRecord, "contracted"> {
  if (contracts && database !== undefined) return { contracted: database.instance };
  if (live?.contracted === undefined) return {};
  if (database === undefined) return { contracted: live.contracted };
  const isRestored = database.instance !== live.contracted && database.migration === undefined;
  return isRestored ? {} : { contracted: database.instance };
}

/** Another image, settings or secrets under the standby's color are another release: there is no way back to it. */
function heldFullWith(live: RouteRecord, wanted: WantedTarget): Backend {
  const { heldFull, split } = live;
  if (heldFull === "legacy" || changedParts(live, wanted, heldFull).length === 0) return heldFull;
  return holder(split) ?? heldFull;
}
