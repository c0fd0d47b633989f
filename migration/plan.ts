import type { RouteRecord } from "./routeRecord";
import { ALL_LEGACY, BACKENDS, COLORS, holder, splitsEqual } from "./split";
import type { Backend, Color, Split } from "./split";
import { soakEnds } from "./stage";
import type { WantedTarget } from "./transition";

/** One step on the way of a target to extracted, or of an extracted target to its next release. */
export type PlannedStep =
  /** The colour needs an image first, which only the engineer can give. */
  | { readonly kind: "stage"; readonly color: Color }
  /** The share of `color` grows; the others only give. */
  | { readonly kind: "traffic"; readonly color: Color; readonly split: Split }
  /** `until` is undefined while 100 % isn't reached: the soak begins then. */
  | { readonly kind: "soak"; readonly until: Date | undefined }
  /** Legacy: retired. */
  | { readonly kind: "retire" };

/** Percent that a candidate is given, one after the other. */
const candidateWeights = [10, 50, 100] as const;

/**
 * Every step from where the file puts a target to extracted, the next one first; empty when there is nothing left to
 * do. An extracted target with an image for its other colour has a release before it, which ends with its soak.
 * @param soakHours without a soak (0) there is no step for it
 * @param to the colour that gets the traffic; default: `candidateOf`, the first of several, blue if none has an image
 */
export function stepsToExtracted(
  record: RouteRecord | undefined,
  wanted: WantedTarget,
  soakHours: number,
  now: Date,
  to?: Color,
): readonly PlannedStep[] {
  const { split, images, legacy } = wanted;
  const color = to ?? candidates(record, wanted)[0] ?? "blue";
  const steps: PlannedStep[] = images[color] === undefined ? [{ kind: "stage", color }] : [];
  for (const weight of candidateWeights) {
    if (weight > split[color]) steps.push({ kind: "traffic", color, split: grownTo(split, color, weight) });
  }
  const hasBegun = split[color] === 100 && record !== undefined && splitsEqual(record.split, split);
  const until = hasBegun ? soakEnds(record.since, soakHours) : undefined;
  if (until === undefined ? soakHours > 0 : now < until) steps.push({ kind: "soak", until });
  if (legacy === "standby") steps.push({ kind: "retire" });
  return steps;
}

/**
 * The colour that is being given traffic, or would be next; undefined while no colour has an image. `ambiguous` where
 * two could be meant: both idle, or both with a growing share.
 */
export function candidateOf(
  record: RouteRecord | undefined,
  wanted: WantedTarget,
): Color | undefined | "ambiguous" {
  const [first, ...others] = candidates(record, wanted);
  return others.length > 0 ? "ambiguous" : first;
}

/** The config that carries the step out; undefined for a step that is no change of config, or not ours to make. */
export function applyStep(step: PlannedStep, wanted: WantedTarget): WantedTarget | undefined {
  switch (step.kind) {
    case "traffic":
      return { ...wanted, split: step.split };
    case "retire":
      return { ...wanted, legacy: "retired" };
    case "stage":
    case "soak":
      return undefined;
  }
}

/**
 * `split` with `weight` percent for `color`. No other share grows: legacy gives first, then the other colour.
 * @throws RangeError unless `weight` is more than the colour has, and at most 100
 */
export function grownTo(split: Split, color: Color, weight: number): Split {
  if (weight <= split[color] || weight > 100) {
    throw new RangeError(`${color}: found ${weight} %, expected more than ${split[color]} and at most 100`);
  }
  const grown = { ...split, [color]: weight };
  let missing = weight - split[color];
  for (const giver of BACKENDS.filter((backend) => backend !== color)) {
    const given = Math.min(missing, split[giver]);
    grown[giver] -= given;
    missing -= given;
  }
  return grown;
}

/** For people: `10 % blue`, `soak`, `retire legacy`. */
export function formatStep(step: PlannedStep): string {
  switch (step.kind) {
    case "stage":
      return `an image for ${step.color}`;
    case "traffic":
      return `${step.split[step.color]} % ${step.color}`;
    case "soak":
      return "soak";
    case "retire":
      return "retire legacy";
  }
}

function candidates(record: RouteRecord | undefined, wanted: WantedTarget): readonly Color[] {
  const { split, images, legacy } = wanted;
  const { previous, heldFull } = historyOf(record, split);
  const sharing = COLORS.filter((color) => split[color] > 0);
  const idle = COLORS.filter((color) => split[color] === 0 && images[color] !== undefined);
  if (sharing.length === 0) return idle;
  if (sharing.length === 1) {
    // An idle colour that held 100 % before is the standby of the release that is done; any other is a new release.
    const released = legacy === "retired" ? idle.filter((color) => color !== heldFull) : [];
    return released.length > 0 ? released : sharing;
  }
  // Where a rollback leads is not what is being given traffic, even half-way back.
  const others = sharing.filter((color) => color !== heldFull);
  if (others.length === 1) return others;
  const growing = sharing.filter((color) => split[color] > previous[color]);
  return growing.length === 1 ? growing : sharing;
}

/** What the route will say of the time before `split`, once that is applied. */
function historyOf(
  record: RouteRecord | undefined,
  split: Split,
): { readonly previous: Split; readonly heldFull: Backend } {
  if (record !== undefined && splitsEqual(record.split, split)) return record;
  const previous = record?.split ?? ALL_LEGACY;
  return { previous, heldFull: holder(previous) ?? record?.heldFull ?? "legacy" };
}
