import type { RoutedTargetName } from "../catalog";
import { type Contents, formatContents, readColorContents } from "./contents";
import { BACKENDS, COLORS, formatSplit, parseSplit, shortHash, splitsEqual } from "./split";
import type { Backend, Color, Split } from "./split";
import { formatTime } from "./time";

/** A colour's image, for each colour that runs. */
export type Images = Readonly<Partial<Record<Color, string>>>;

/** Whether the monorepo's container is kept as a way back. */
export type LegacyState = "standby" | "retired";

/** What a target's HTTPRoute says about itself, written in one apply with its weights. */
export interface RouteRecord {
  readonly split: Split;
  /** When this split was applied; whole seconds. */
  readonly since: Date;
  /** The split held before. */
  readonly previous: Split;
  /** The backend that last held 100 % before this split: where a rollback leads. */
  readonly heldFull: Backend;
  /** Stands for the transition from `previous` to `split` at `since`; see `transitionId`. */
  readonly transition: string;
  readonly images: Images;
  /** Absent on a route from before this was recorded. */
  readonly contents?: Contents;
  readonly legacy: LegacyState;
  /** When legacy was retired; whole seconds. Absent while it is kept, and on a route from before this was recorded. */
  readonly retiredAt?: Date;
  /** The database's instance whose schema is past a contract step: no release from before it can have traffic again. */
  readonly contracted?: string;
}

/** A route whose weights and annotations don't tell one story, so that nothing can be judged from it. */
export interface TamperedRoute {
  /** What is inconsistent. */
  readonly tampered: string;
}

export type LiveRoute = RouteRecord | TamperedRoute;

export function isTampered(route: LiveRoute): route is TamperedRoute {
  return "tampered" in route;
}

/** The record, of a route that is there and can be believed. */
export function believed(route: LiveRoute | undefined): RouteRecord | undefined {
  return route === undefined || isTampered(route) ? undefined : route;
}

const prefix = "pyairtable.dev/";

/** 12 hex digits; an annotation edited by hand no longer matches them. */
export function transitionId(target: RoutedTargetName, from: Split, to: Split, since: Date): string {
  return shortHash([target, formatSplit(from), formatSplit(to), formatTime(since)]);
}

/** The record as annotations of the HTTPRoute. */
export function toAnnotations(record: RouteRecord): Record<string, string> {
  const { blue, green } = record.images;
  return {
    [`${prefix}split`]: formatSplit(record.split),
    [`${prefix}since`]: formatTime(record.since),
    [`${prefix}previous-split`]: formatSplit(record.previous),
    [`${prefix}held-full`]: record.heldFull,
    [`${prefix}transition`]: record.transition,
    // Written in this order always, so that equal images are equal text.
    [`${prefix}images`]: JSON.stringify({ blue, green }),
    ...(record.contents && { [`${prefix}contents`]: formatContents(record.contents) }),
    [`${prefix}legacy`]: record.legacy,
    ...(record.retiredAt && { [`${prefix}retired-at`]: formatTime(record.retiredAt) }),
    ...(record.contracted !== undefined && { [`${prefix}contracted`]: record.contracted }),
  };
}

/** Reads a live route back, or says why it can't be believed (for example weights edited by hand). */
export function fromRoute(
  target: RoutedTargetName,
  weights: Split,
  annotations: Readonly<Record<string, string>>,
): LiveRoute {
  try {
    return readRecord(target, weights, annotations);
  } catch (error) {
    if (error instanceof Inconsistency) return { tampered: error.message };
    throw error;
  }
}

/** Internal: how `readRecord` stops at the first thing that doesn't fit. */
class Inconsistency extends Error {}

function readRecord(
  target: RoutedTargetName,
  weights: Split,
  annotations: Readonly<Record<string, string>>,
): RouteRecord {
  function read<T>(key: string, parse: (text: string) => T | undefined): T {
    const text = annotations[`${prefix}${key}`];
    if (text === undefined) throw new Inconsistency(`the annotation ${prefix}${key} is missing`);
    const value = parse(text);
    if (value === undefined)
      throw new Inconsistency(`the annotation ${prefix}${key} reads ${JSON.stringify(text)}`);
    return value;
  }
  const contents = annotations[`${prefix}contents`] && read("contents", parseContents);
  const retiredAt = annotations[`${prefix}retired-at`] && read("retired-at", parseTime);
  const contracted = annotations[`${prefix}contracted`];
  const split = read("split", parseSplit);
  if (!splitsEqual(split, weights)) {
    throw new Inconsistency(
      `its weights are ${formatSplit(weights) || "all 0"}, but the annotation ${prefix}split says ${formatSplit(split)}`,
    );
  }
  const since = read("since", parseTime);
  const previous = read("previous-split", parseSplit);
  const transition = read("transition", (text) => text);
  if (transition !== transitionId(target, previous, split, since)) {
    throw new Inconsistency(
      `the annotation ${prefix}transition doesn't belong to ${prefix}split, ${prefix}previous-split and ${prefix}since`,
    );
  }
  return {
    split,
    since,
    previous,
    heldFull: read("held-full", (text) => BACKENDS.find((backend) => backend === text)),
    transition,
    images: read("images", parseImages),
    ...(contents && { contents }),
    legacy: read("legacy", (text) => LEGACY_STATES.find((state) => state === text)),
    ...(retiredAt && { retiredAt }),
    ...(contracted !== undefined && { contracted }),
  };
}

const LEGACY_STATES = ["standby", "retired"] as const satisfies readonly LegacyState[];

function parseTime(text: string): Date | undefined {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && formatTime(time) === text ? time : undefined;
}

function parseImages(text: string): Images | undefined {
  return parseByColor(text, (image) => (typeof image === "string" ? image : undefined));
}

function parseContents(text: string): Contents | undefined {
  return parseByColor(text, readColorContents);
}

function parseByColor<T>(
  text: string,
  read: (value: unknown) => T | undefined,
): Partial<Record<Color, T>> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const found: Partial<Record<Color, T>> = {};
  for (const [name, value] of Object.entries(parsed)) {
    const color = COLORS.find((known) => known === name);
    const each = read(value);
    if (color === undefined || each === undefined) return undefined;
    found[color] = each;
  }
  return found;
}
