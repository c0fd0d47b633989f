import { callersOf } from "../../catalog";
import { isEditedUnderTraffic } from "../move";
import type { Move } from "../move";
import { COLORS, formatSplit } from "../split";
import { soakEnds } from "../stage";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

export function noEditUnderTraffic(move: Move): Refusal[] {
  const { target, live, wanted } = move;
  return COLORS.filter((color) => isEditedUnderTraffic(move, color)).map((color) => ({
    key: `${keyOf(target)}.${color}`,
    found: `${wanted.images[color] ?? "no image"} while ${color} has ${live?.split[color] ?? 0} % of the traffic`,
    expected: `${live?.images[color] ?? "no image"}, unchanged for as long as ${color} has traffic`,
    fix: `give the new image to the other color, or first move the traffic away from ${color}`,
  }));
}

/** The loss of legacy as a standby is `retired-only-when-soaked`. */
export function standbyWhileSoaking(move: Move, { soakHours }: Circumstances): Refusal[] {
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

export function retiredOnlyWhenSoaked(move: Move, { soakHours }: Circumstances): Refusal[] {
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

/**
 * Legacy services call each other, not through the gateway: while a caller's legacy runs, be it as a standby, the way
 * back to it needs this one.
 */
export function retiredAfterCallers({ target, live, wanted }: Move, { moves }: Circumstances): Refusal[] {
  if (live?.legacy !== "standby" || wanted.legacy !== "retired") return [];
  const callers = moves
    .filter((other) => callersOf(target).includes(other.target) && other.wanted.legacy === "standby")
    .map((other) => other.target);
  if (callers.length === 0) return [];
  return [
    {
      key: `${keyOf(target)}.legacy`,
      found: `retired while the legacy of ${callers.join(", ")} runs and calls it`,
      expected: `standby until the legacy of ${callers.join(", ")} is retired too`,
      fix: `retire the callers first: ${callers.map((caller) => `${keyOf(caller)}.legacy: retired`).join(", ")}`,
    },
  ];
}
