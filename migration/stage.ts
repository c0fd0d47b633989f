import type { RouteRecord } from "./routeRecord";
import { holder } from "./split";

/** How far a target has come; always derived, never written down. */
export type Stage =
  /** No colour runs. */
  | "legacy"
  /** A colour runs, without traffic. */
  | "staged"
  /** Traffic is shared, and legacy is still the way back. */
  | "splitting"
  /** A colour has 100 %, for less than the soak. */
  | "soaking"
  | "soaked"
  /** Legacy is retired. */
  | "extracted"
  /** Legacy is retired; two colours share, or the new one has had 100 % for less than the soak. */
  | "releasing";

const millisecondsPerHour = 3_600_000;

/** The moment at which a split that has held since `since` is soaked. */
export function soakEnds(since: Date, soakHours: number): Date {
  return new Date(since.getTime() + soakHours * millisecondsPerHour);
}

export function deriveStage(
  { split, since, images, legacy }: Pick<RouteRecord, "split" | "since" | "images" | "legacy">,
  soakHours: number,
  now: Date,
): Stage {
  const full = holder(split);
  if (full === "legacy") return (images.blue ?? images.green) === undefined ? "legacy" : "staged";
  const soaked = full !== undefined && now >= soakEnds(since, soakHours);
  if (legacy === "retired") return soaked ? "extracted" : "releasing";
  if (full === undefined) return "splitting";
  return soaked ? "soaked" : "soaking";
}

/** Legacy is retired, or could be: whatever the plan puts after it may set out. */
export function isThrough(stage: Stage): boolean {
  return stage === "soaked" || stage === "extracted" || stage === "releasing";
}

/** Of all targets, only one may be in flight at a time. */
export function inFlight(stage: Stage): boolean {
  return stage === "splitting" || stage === "soaking";
}
