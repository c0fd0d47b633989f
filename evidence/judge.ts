import type { Doubt, Verdict } from "../migration";
import type { Baseline } from "../monitoring/baseline";
import { thresholdOf } from "../monitoring/table";
import type { Timing } from "../monitoring/timing";
import type { Measured } from "./measure";

/** A scrape or two may be missed, as when Prometheus is restarted for a new version. */
const watchedEnough = 0.9;

/**
 * Whether what was measured lets its colour have more. What isn't known is a hold: never a promotion, and never a
 * rollback either. The plan's warnings are its limits.
 */
export function judgeEvidence(
  measured: Measured,
  baseline: Baseline | undefined,
  timing: Pick<Timing, "windowMs" | "minimumSamples">,
): Verdict {
  const bad = exceeded(measured, baseline);
  if (bad.length > 0) return { kind: "bad", doubts: bad };
  const isUntried = "connected" in measured && measured.connected === undefined;
  const missing = [
    ...whatIsMissing(measured, timing),
    ...(isUntried ? [{ found: "no connection to the database tried", expected: "one per scrape" }] : []),
    ...(baseline === undefined
      ? [{ found: "no baseline of legacy", expected: "one, measured by cutover baseline" }]
      : []),
  ];
  return missing.length > 0 ? { kind: "hold", doubts: missing } : { kind: "go" };
}

/** The mean latency that a step forward may have, in seconds. */
export function latencyLimit(baselineSeconds: number): number {
  return baselineSeconds * thresholdOf("LatencyHigh");
}

/** The share of failed answers that it may have. */
export const errorLimit = thresholdOf("ErrorRateHigh");

function exceeded(
  { overMs, meanOverMs, errors, latency, healthy, connected, alerts }: Measured,
  baseline: Baseline | undefined,
): readonly Doubt[] {
  const part = meanOverMs < overMs ? ` in the worst ${formatSpan(meanOverMs)}` : "";
  const slow =
    baseline !== undefined && latency !== undefined && latency > latencyLimit(baseline.latencySeconds);
  return [
    ...(errors !== undefined && errors > errorLimit
      ? [
          {
            found: `${formatShare(errors)} of the requests failed${part}`,
            expected: `at most ${formatShare(errorLimit)}`,
          },
        ]
      : []),
    ...(slow
      ? [
          {
            found: `${formatLatency(latency)} per request${part}`,
            expected: `at most ${formatLatency(latencyLimit(baseline.latencySeconds))}, 20 % above legacy's baseline of ${formatLatency(baseline.latencySeconds)}`,
          },
        ]
      : []),
    ...(healthy === false ? [{ found: "a failed health check", expected: "none" }] : []),
    ...(connected === false ? [{ found: "a failed connection to the database", expected: "none" }] : []),
    ...alerts.map((alert) => ({
      found: `the alert ${alert}`,
      expected: "no trigger of a rollback and no warning",
    })),
  ];
}

/** What isn't known, or not of enough: empty if the figures can be relied on, whatever they are. */
export function whatIsMissing(
  { overMs, meanOverMs, requests, errors, latency, healthy, watched }: Measured,
  { windowMs, minimumSamples }: Pick<Timing, "windowMs" | "minimumSamples">,
): readonly Doubt[] {
  const isShort = overMs < windowMs;
  const isQuiet = requests < minimumSamples;
  const isNowhereBusy = !isQuiet && (errors === undefined || latency === undefined);
  return [
    ...(isShort
      ? [{ found: `measured for ${formatSpan(overMs)}`, expected: `${formatSpan(windowMs)}, a whole window` }]
      : []),
    ...(isQuiet
      ? [
          {
            found: `${requests} requests in ${formatSpan(overMs)}`,
            expected: `${minimumSamples} or more`,
          },
        ]
      : []),
    ...(isNowhereBusy
      ? [
          {
            found: `no ${formatSpan(meanOverMs)} with requests enough to tell errors and latency`,
            expected: `${minimumSamples} or more per ${formatSpan(windowMs)} for as long`,
          },
        ]
      : []),
    ...(healthy === undefined ? [{ found: "no health check", expected: "one per scrape" }] : []),
    ...(healthy !== undefined && watched < watchedEnough
      ? [
          {
            found: `measurements of ${formatShare(watched)} of the time`,
            expected: `${formatShare(watchedEnough)} or more`,
          },
        ]
      : []),
  ];
}

/** `1.2 %` */
export function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** `12.3 ms` */
export function formatLatency(inSeconds: number): string {
  return `${Number((inSeconds * 1_000).toPrecision(3))} ms`;
}

/** `90 s`, `5 min`, `24 h` */
export function formatSpan(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds >= 3_600 && seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds > 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
