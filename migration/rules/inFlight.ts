import { isForward, isInFlight } from "../move";
import type { Move } from "../move";
import { formatSplit } from "../split";
import { inFlight, soakEnds } from "../stage";
import { keyOf } from "../violation";
import { type Circumstances, type Refusal, isAdoption } from "./rule";

export function oneInFlight(move: Move, { moves, soakHours }: Circumstances): Refusal[] {
  if (!isForward(move)) return [];
  const others = flying(moves.filter(({ target }) => target !== move.target));
  // Of a target on its way and one that sets out, only the second is refused.
  if (others.length === 0 || (isInFlight(move) && !others.some(isInFlight))) return [];
  return [
    {
      key: `${keyOf(move.target)}.traffic`,
      found: `${formatSplit(move.wanted.split)} while ${doing(others)}`,
      expected: "one target in flight at a time",
      fix: `leave ${move.target} as it is until ${names(others)} is soaked or back on legacy`,
      ...endOf(others, soakHours),
    },
  ];
}

/** The shared resources change hands while no traffic is on its way. */
export function oneInFlightBesideAdoption({ moves, ownership, soakHours }: Circumstances): Refusal[] {
  const others = flying(moves);
  if (!isAdoption(ownership) || others.length === 0) return [];
  return [
    {
      key: `${keyOf("infrastructure")}.owner`,
      found: `pulumi while ${doing(others)}`,
      expected: "one target in flight at a time",
      fix: `leave infrastructure as it is until ${names(others)} is soaked or back on legacy`,
      ...endOf(others, soakHours),
    },
  ];
}

function flying(moves: readonly Move[]): readonly Move[] {
  return moves.filter((move) => inFlight(move.nextStage) || isForward(move));
}

function names(moves: readonly Move[]): string {
  return moves.map(({ target }) => target).join(", ");
}

function doing(moves: readonly Move[]): string {
  return moves
    .map(({ target, nextStage }) => `${target} is ${inFlight(nextStage) ? nextStage : "moved too"}`)
    .join(" and ");
}

/** The end is known where they only wait. */
export function endOf(moves: readonly Move[], soakHours: number): Pick<Refusal, "notBefore"> {
  if (!moves.every(({ nextStage, isTransition }) => nextStage === "soaking" && !isTransition)) return {};
  const ends = moves.map(({ next }) => soakEnds(next.since, soakHours).getTime());
  return { notBefore: new Date(Math.max(...ends)) };
}
