import { type RoutedTargetName, routedTargets } from "../../catalog";
import { ALL_LEGACY, type Split, holder, splitsEqual } from "../../migration";
import type { Random } from "./random";

export type Splits = ReadonlyMap<RoutedTargetName, Split>;
export type Kind = "forward" | "back";

/** One target's transition. */
export interface Transition {
  readonly target: RoutedTargetName;
  readonly kind: Kind;
  readonly to: Split;
}

export const allOnLegacy: Splits = new Map(routedTargets.map((target) => [target, ALL_LEGACY]));

/** Blue has this much, legacy the rest. */
export function onBlue(percent: number): Split {
  return { legacy: 100 - percent, blue: percent, green: 0 };
}

/** What the plan's stages give a candidate, and all of it three times as often: no soak holds it back here. */
const weights = [10, 50, 100, 100, 100];

/**
 * Random transitions for one commit, as many as the rules allow of what is random in them: one target forward at
 * most, and then no other shares its traffic; any number back.
 */
export function randomTransitions(random: Random, splits: Splits): Transition[] {
  const away = routedTargets.filter((target) => !splitsEqual(splitOf(splits, target), ALL_LEGACY));
  const sharing = away.filter((target) => holder(splitOf(splits, target)) === undefined);
  const open = routedTargets.filter((target) => splitOf(splits, target).blue < 100);
  if (open.length > 0 && (away.length === 0 || random.chance(0.85))) {
    const target = random.pick(open);
    const { blue } = splitOf(splits, target);
    const to = onBlue(random.pick(weights.filter((weight) => weight > blue)));
    const others = away.filter((each) => each !== target);
    const extra = random.some(others, random.pick([0, 1, 1, 2]));
    const back = new Set([...sharing.filter((each) => each !== target), ...extra]);
    return [{ target, kind: "forward", to }, ...[...back].map(toLegacy)];
  }
  const [first, ...rest] = random.some(away, random.pick([1, 3, 4]));
  if (first === undefined) throw new Error("no target is away from legacy, and none can leave it");
  const { blue } = splitOf(splits, first);
  const partly =
    blue > 10 && random.chance(0.3) ? onBlue(random.pick([10, 50].filter((w) => w < blue))) : undefined;
  return [partly ? { target: first, kind: "back", to: partly } : toLegacy(first), ...rest.map(toLegacy)];
}

export function after(splits: Splits, transitions: readonly Transition[]): Splits {
  return new Map([...splits, ...transitions.map(({ target, to }) => [target, to] as const)]);
}

export function splitOf(splits: Splits, target: RoutedTargetName): Split {
  return splits.get(target) ?? ALL_LEGACY;
}

function toLegacy(target: RoutedTargetName): Transition {
  return { target, kind: "back", to: ALL_LEGACY };
}
