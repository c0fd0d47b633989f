import type { RoutedTargetName } from "../catalog";
import { believed } from "./routeRecord";
import type { LiveRoute } from "./routeRecord";
import { COLORS } from "./split";
import type { Color } from "./split";
import { deriveStage } from "./stage";

/** What speaks against a step. */
export interface Doubt {
  readonly found: string;
  readonly expected: string;
}

/**
 * What has been measured of a colour since it got its share: all is within the plan, something isn't, or it can't be
 * told yet. Only `go` lets it have more.
 */
export type Verdict =
  { readonly kind: "go" } | { readonly kind: "hold" | "bad"; readonly doubts: readonly Doubt[] };

/** By target; one about which nothing was asked is absent. */
export type Evidence = ReadonlyMap<RoutedTargetName, Verdict>;

/** Whom evidence is about: the colour that is on its way to all traffic, or has it for less than is known to be well. */
export interface EvidenceSubject {
  readonly target: RoutedTargetName;
  readonly color: Color;
  /** When it got the share that it has. */
  readonly since: Date;
}

/** The subjects among the live routes: none of a target whose traffic is at rest. */
export function evidenceSubjects(
  live: ReadonlyMap<RoutedTargetName, LiveRoute>,
  soakHours: number,
  now: Date,
): readonly EvidenceSubject[] {
  return [...live].flatMap(([target, route]) => {
    const record = believed(route);
    if (record === undefined || deriveStage(record, soakHours, now) === "extracted") return [];
    const color = COLORS.find((each) => each !== record.heldFull && record.split[each] > 0);
    return color === undefined ? [] : [{ target, color, since: record.since }];
  });
}
