import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import { type Shot, hasFailed } from "../../local/load/shot";
import { type Split, splitHash } from "../../migration";

export const outcomeSchema = z.object({
  /** Whether what was to move nothing has moved nothing; absent when there was no such thing. */
  held: z.boolean().optional(),
  /** Whether it came so far that something was to be rolled back. */
  hasBegun: z.boolean(),
  /** From then until all traffic was back, in seconds; absent when that was missed. */
  backAfter: z.number().optional(),
  /** Routes that were moved and shouldn't have been. */
  wrong: z.int().nonnegative(),
  requests: z.int().nonnegative(),
  lostUntilBack: z.int().nonnegative(),
  lostAfter: z.int().nonnegative(),
  /** What else was not as it should be, in words. */
  problems: z.array(z.string()),
});

/** What became of an incident. */
export type Outcome = z.infer<typeof outcomeSchema>;

/** The proxy's workers take a new route one after the other, in milliseconds. */
const workersAgree = 100;

/**
 * When the gateway sent everything where it was to go, as those who asked it saw that.
 * @param began what was sent before that doesn't count
 * @returns undefined when it never did
 */
export function backAt(
  shots: readonly Shot[],
  to: Split,
  targets: readonly RoutedTargetName[],
  began: number,
): number | undefined {
  const times = targets.map((target) => {
    const wanted = splitHash(target, to);
    const answered = shots
      .filter((shot) => shot.target === target && shot.sentAt > began && shot.routeHash !== undefined)
      .toSorted((one, other) => one.sentAt - other.sentAt);
    const first = answered.find(({ routeHash }) => routeHash === wanted);
    const last = answered.findLast(({ routeHash }) => routeHash !== wanted);
    return first && Math.max(first.sentAt, last?.sentAt ?? began);
  });
  const known = times.filter((time) => time !== undefined);
  return known.length === targets.length ? Math.max(...known) : undefined;
}

/** What was lost, before all traffic was back and after that. */
export function lostAround(
  shots: readonly Shot[],
  back: number | undefined,
): { readonly lostUntilBack: number; readonly lostAfter: number } {
  const lost = shots.filter(hasFailed);
  const after = back === undefined ? [] : lost.filter(({ sentAt }) => sentAt > back + workersAgree);
  return { lostUntilBack: lost.length - after.length, lostAfter: after.length };
}
