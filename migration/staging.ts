import type { RoutedTargetName } from "../catalog";
import type { Evidence } from "./evidence";
import { identityOf } from "./freeze";
import type { Move } from "./move";
import { isTampered } from "./routeRecord";
import type { LiveRoute } from "./routeRecord";
import { COLORS, holder } from "./split";
import type { Color } from "./split";
import { deriveStage } from "./stage";

/** Digests that have once had 100 % for a whole soak, by target. */
export type CompletedDigests = ReadonlyMap<RoutedTargetName, readonly string[]>;

/** What production knows of staging: what was completed there, or why that can't be read. */
export type StagingEvidence = CompletedDigests | { readonly unreadable: string };

/**
 * `before`, and what the live routes show to be completed now: with evidence, where the stack wants any. Nothing is
 * ever taken out: a digest is a digest.
 */
export function withCompleted(
  before: CompletedDigests,
  live: ReadonlyMap<RoutedTargetName, LiveRoute>,
  soakHours: number,
  now: Date,
  evidence: Evidence | undefined,
): CompletedDigests {
  const completed = new Map(before);
  for (const [target, route] of live) {
    if (isTampered(route)) continue;
    const color = COLORS.find((each) => each === holder(route.split));
    const image = color && route.images[color];
    const isSoaked = ["soaked", "extracted"].includes(deriveStage(route, soakHours, now));
    const known = completed.get(target) ?? [];
    const isWell = evidence === undefined || evidence.get(target)?.kind === "go";
    if (image === undefined || !isSoaked || !isWell || known.includes(identityOf(image))) continue;
    completed.set(target, [...known, identityOf(image)]);
  }
  return completed;
}

/** Whether the live routes show a digest to be completed that isn't known to be. */
export function wouldComplete(
  before: CompletedDigests,
  live: ReadonlyMap<RoutedTargetName, LiveRoute>,
  soakHours: number,
  now: Date,
): boolean {
  const after = withCompleted(before, live, soakHours, now, undefined);
  return [...after].some(([target, digests]) => digests !== before.get(target));
}

/** The colours whose share grows, otherwise than on a way back or where what runs is adopted. */
export function gainingColors({ live, wanted, isWayBack }: Move): readonly Color[] {
  if (live === undefined || isWayBack) return [];
  return COLORS.filter((color) => wanted.split[color] > live.split[color]);
}
