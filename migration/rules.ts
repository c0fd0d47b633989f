import type { RoutedTargetName } from "../catalog";
import { describeMove, isEditedUnderTraffic, isForward, isInFlight } from "./move";
import type { Move } from "./move";
import type { LiveRoute } from "./routeRecord";
import { ALL_LEGACY, COLORS, formatSplit, splitsEqual } from "./split";
import type { Split } from "./split";
import { inFlight, soakEnds } from "./stage";
import type { WantedTarget } from "./transition";
import type { Violation } from "./violation";

/** Live state, wanted config and facts, as far as they concern one stack. */
export interface JudgeInput {
  /** By target; a target without a route is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The splits of the last successful update; a target unknown to it is absent. */
  readonly applied: ReadonlyMap<RoutedTargetName, Split>;
  readonly wanted: ReadonlyMap<RoutedTargetName, WantedTarget>;
  readonly soakHours: number;
  readonly now: Date;
}

/**
 * What the rules refuse of `input`; empty if nothing. A way back (a transition towards legacy, or to the
 * standby of a release) isn't even shown to them, so that no rule, however wrong, can refuse one.
 */
export function judge(input: JudgeInput): Violation[] {
  const { soakHours } = input;
  const moves = describeMoves(input);
  return moves
    .filter((move) => !move.isWayBack)
    .flatMap((move) =>
      Object.entries(rules).flatMap(([rule, refuses]) =>
        refuses(move, { moves, soakHours }).map((refusal) => ({ target: move.target, rule, ...refusal })),
      ),
    );
}

/**
 * Of `violations`, those that must not hold up an update that brings some target back: drift of targets from which the
 * file asks nothing new. They are said, and their routes left as they are.
 */
export function setAside(input: JudgeInput, violations: readonly Violation[]): Violation[] {
  const moves = describeMoves(input);
  if (!moves.some(({ live, isWayBack, isTransition }) => live !== undefined && isWayBack && isTransition))
    return [];
  const standing = moves
    .filter(({ applied, wanted }) => applied !== undefined && splitsEqual(applied, wanted.split))
    .map(({ target }) => target);
  return violations.filter(({ rule, target }) => rule === drift.name && standing.includes(target));
}

function describeMoves({ live, applied, wanted, soakHours, now }: JudgeInput): Move[] {
  return [...wanted].map(([target, each]) =>
    describeMove({
      target,
      route: live.get(target),
      applied: applied.get(target),
      wanted: each,
      soakHours,
      now,
    }),
  );
}

interface Circumstances {
  /** Of all targets. */
  readonly moves: readonly Move[];
  readonly soakHours: number;
}

type Refusal = Omit<Violation, "target" | "rule">;
type Rule = (move: Move, circumstances: Circumstances) => Refusal[];

const rules: Readonly<Record<string, Rule>> = {
  drift,
  "starts-on-legacy": startsOnLegacy,
  "one-in-flight": oneInFlight,
  "no-edit-under-traffic": noEditUnderTraffic,
  "standby-while-soaking": standbyWhileSoaking,
  "retired-only-when-soaked": retiredOnlyWhenSoaked,
};

/** The route is as it was last applied, or already as it is wanted (an update was interrupted, or is repeated). */
function drift({ target, tampered, live, applied, wanted }: Move): Refusal[] {
  const refusal = (found: string): Refusal => ({
    key: `${keyOf(target)}.traffic`,
    found,
    expected: `the live split to be what was last applied${applied ? ` (${formatSplit(applied)})` : ""} or what is wanted (${formatSplit(wanted.split)})`,
    fix: `see what changed and choose which side holds: cutover reconcile ${target}`,
  });
  if (tampered !== undefined) return [refusal(`a live route that was changed by hand: ${tampered}`)];
  if (applied === undefined) return [];
  if (live === undefined) return [refusal("no live route")];
  if (splitsEqual(live.split, applied) || splitsEqual(live.split, wanted.split)) return [];
  return [refusal(`${formatSplit(live.split)} on the live route`)];
}

function startsOnLegacy({ target, tampered, live, applied, wanted }: Move): Refusal[] {
  // A route that was there before, or can't be believed, is a case of drift.
  if (live !== undefined || tampered !== undefined || applied !== undefined || wanted.adopt) return [];
  return [
    {
      key: `${keyOf(target)}.traffic`,
      found: `${formatSplit(wanted.split)}, and no live route`,
      expected: `${formatSplit(ALL_LEGACY)} on a new stack`,
      fix: `start on legacy, or take over what is already running with ${keyOf(target)}.adopt: true`,
    },
  ];
}

function oneInFlight(move: Move, { moves, soakHours }: Circumstances): Refusal[] {
  if (!isForward(move)) return [];
  const others = moves.filter(
    (other) => other.target !== move.target && (inFlight(other.nextStage) || isForward(other)),
  );
  // Of a target on its way and one that sets out, only the second is refused.
  if (others.length === 0 || (isInFlight(move) && !others.some(isInFlight))) return [];
  const names = others.map(({ target }) => target).join(", ");
  const doing = others.map(
    ({ target, nextStage }) => `${target} is ${inFlight(nextStage) ? nextStage : "moved too"}`,
  );
  // The end is known where the others only wait.
  const waits = others.every((other) => other.nextStage === "soaking" && !other.isTransition);
  const ends = others.map((other) => soakEnds(other.next.since, soakHours).getTime());
  return [
    {
      key: `${keyOf(move.target)}.traffic`,
      found: `${formatSplit(move.wanted.split)} while ${doing.join(" and ")}`,
      expected: "one target in flight at a time",
      fix: `leave ${move.target} as it is until ${names} is soaked or back on legacy`,
      ...(waits && { notBefore: new Date(Math.max(...ends)) }),
    },
  ];
}

function noEditUnderTraffic(move: Move): Refusal[] {
  const { target, live, wanted } = move;
  return COLORS.filter((color) => isEditedUnderTraffic(move, color)).map((color) => ({
    key: `${keyOf(target)}.${color}`,
    found: `${wanted.images[color] ?? "no image"} while ${color} has ${live?.split[color] ?? 0} % of the traffic`,
    expected: `${live?.images[color] ?? "no image"}, unchanged for as long as ${color} has traffic`,
    fix: `give the new image to the other color, or first move the traffic away from ${color}`,
  }));
}

/** The loss of legacy as a standby is `retired-only-when-soaked`. */
function standbyWhileSoaking(move: Move, { soakHours }: Circumstances): Refusal[] {
  const { target, live, wanted, next, nextStage, isTransition } = move;
  const standby = isTransition ? next.heldFull : live?.heldFull;
  if (live === undefined || standby === undefined || standby === "legacy") return [];
  const needsStandby = isTransition || nextStage === "soaking" || nextStage === "releasing";
  const kept = wanted.images[standby] === live.images[standby];
  if (!needsStandby || kept || live.images[standby] === undefined || isEditedUnderTraffic(move, standby))
    return [];
  return [
    {
      key: `${keyOf(target)}.${standby}`,
      found: wanted.images[standby] ?? "no image",
      expected: `${live.images[standby]}, because ${standby} is the standby of ${formatSplit(wanted.split)} until that is soaked`,
      fix: `leave ${standby} as it is until the soak has ended`,
      ...(!isTransition && { notBefore: soakEnds(live.since, soakHours) }),
    },
  ];
}

function retiredOnlyWhenSoaked(move: Move, { soakHours }: Circumstances): Refusal[] {
  const { target, live, stage, retiresTooEarly } = move;
  if (live === undefined || stage === undefined || !retiresTooEarly) return [];
  return [
    {
      key: `${keyOf(target)}.legacy`,
      found: `retired while ${target} is ${stage}`,
      expected: "standby until a color has had 100 % for the whole soak",
      fix: `keep ${keyOf(target)}.legacy: standby until ${target} is soaked`,
      ...(stage === "soaking" && { notBefore: soakEnds(live.since, soakHours) }),
    },
  ];
}

function keyOf(target: RoutedTargetName): string {
  return `pyairtable:${target}`;
}
