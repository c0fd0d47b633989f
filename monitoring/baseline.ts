/** What legacy was measured to do; written into the target's config by `cutover baseline`, never assumed. */
export interface Baseline {
  /** Mean. */
  readonly latencySeconds: number;
  /** 0 to 1. */
  readonly errorRatio: number;
  readonly requestsPerSecond: number;
  /** How many requests it stands on. */
  readonly requests: number;
  readonly measuredAt: Date;
}
