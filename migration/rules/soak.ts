import { callersOf } from "../../catalog";
import { type Release, type ReleasePart, changedParts } from "../contents";
import { editedUnderTraffic } from "../move";
import type { Move } from "../move";
import { COLORS, type Color, formatSplit } from "../split";
import { soakEnds } from "../stage";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

export function noEditUnderTraffic(move: Move): Refusal[] {
  const { live, wanted } = move;
  return COLORS.flatMap((color) =>
    editedUnderTraffic(move, color).map((part) => ({
      key: keyOfPart(move, color, part),
      found: `${partText(wanted, color, part)} while ${color} has ${live?.split[color] ?? 0} % of the traffic`,
      expected: `${partText(live, color, part)}, unchanged for as long as ${color} has traffic`,
      fix: `give the new ${part} to the other color, or first move the traffic away from ${color}`,
    })),
  );
}

/** As the file has it: `pyairtable:frontend.blue`, `pyairtable:frontend.secrets.blue`. */
function keyOfPart({ target }: Move, color: Color, part: ReleasePart): string {
  return part === "image" ? `${keyOf(target)}.${color}` : `${keyOf(target)}.${part}.${color}`;
}

function partText(release: Release | undefined, color: Color, part: ReleasePart): string {
  if (part === "image") return release?.images[color] ?? "no image";
  const hash = release?.contents?.[color]?.[part];
  return hash === undefined ? `no ${part}` : `the ${part} with the hash ${hash}`;
}

/** The loss of legacy as a standby is `retired-only-when-soaked`. */
export function standbyWhileSoaking(move: Move, { soakHours }: Circumstances): Refusal[] {
  const { live, wanted, next, nextStage, isTransition } = move;
  const standby = isTransition ? next.heldFull : live?.heldFull;
  if (live === undefined || standby === undefined || standby === "legacy") return [];
  const needsStandby = isTransition || nextStage === "soaking" || nextStage === "releasing";
  if (!needsStandby || live.images[standby] === undefined) return [];
  if (editedUnderTraffic(move, standby).length > 0) return [];
  return changedParts(live, wanted, standby).map((part) => ({
    key: keyOfPart(move, standby, part),
    found: partText(wanted, standby, part),
    expected: `${partText(live, standby, part)}, because ${standby} is the standby of ${formatSplit(wanted.split)} until that is soaked`,
    fix: `leave ${standby} as it is until the soak has ended`,
    ...(!isTransition && { notBefore: soakEnds(live.since, soakHours) }),
  }));
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
