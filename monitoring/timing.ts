/** How often is looked, and over how long. */
export interface Timing {
  /** Between two scrapes, and between two evaluations of the rules. */
  readonly scrapeMs: number;
  /** Over which rates, ratios and means are taken. */
  readonly windowMs: number;
  /** Requests that a window needs before its ratio or mean counts. */
  readonly minimumSamples: number;
  /** By how much every duration of the plan is multiplied; 1 outside tests. */
  readonly scale: number;
}

/** @param scale by which tests shorten all durations at once; the rules stay what they are */
export function timingOf(scale = 1): Timing {
  return { scrapeMs: 5_000 * scale, windowMs: 60_000 * scale, minimumSamples: 30, scale };
}
