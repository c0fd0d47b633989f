import type { Move } from "../move";
import { ALL_LEGACY, formatSplit, splitsEqual } from "../split";
import { keyOf } from "../violation";
import type { Refusal } from "./rule";

/** The route is as it was last applied, or already as it is wanted (an update was interrupted, or is repeated). */
export function drift({ target, tampered, live, applied, wanted }: Move): Refusal[] {
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

export function startsOnLegacy({ target, tampered, live, applied, wanted }: Move): Refusal[] {
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
