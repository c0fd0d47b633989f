import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";
import { SERIES } from "../monitoring/indicators";
import { duration, number, series } from "../monitoring/promql";
import type { Timing } from "../monitoring/timing";
import type { Prometheus, Value } from "./prometheus";

/** What was measured of a backend over a stretch of time; what nobody measured is undefined. */
export interface Measured {
  /** How long the stretch is, in milliseconds. */
  readonly overMs: number;
  /** Answered in it. */
  readonly requests: number;
  /** The mean of the share of failed answers, 0 to 1. */
  readonly errors: number | undefined;
  /** The mean, in seconds. */
  readonly latency: number | undefined;
  /** Whether every probe passed. */
  readonly healthy: boolean | undefined;
  /** The share of the stretch in which it was looked at, 0 to 1. */
  readonly watched: number;
  /** Critical alerts and warnings about it in the stretch. */
  readonly alerts: readonly string[];
}

/** @throws NoAnswer */
export async function measure(
  prometheus: Prometheus,
  { target, backend, overMs, now, timing }: MeasureArgs,
): Promise<Measured> {
  const labels = { target, backend };
  const over = duration(overMs);
  const rated = series(SERIES.requests, labels);
  // A ratio of too few requests says nothing, here as in the rules.
  const enough = `${series(SERIES.samples, labels)} >= ${timing.minimumSamples}`;
  const meant = (indicator: string): string =>
    `avg_over_time((${indicator} and on (target, backend) (${enough}))[${over}:${duration(timing.scrapeMs)}])`;
  const health = series(SERIES.health, labels);
  const alerts = series("ALERTS", { ...labels, alertstate: "firing", severity: "~critical|warning" });
  const ask = (expression: string): Promise<readonly Value[]> => prometheus.query(expression, now);
  const [requests, errors, latency, healthy, looks, fired] = await Promise.all([
    ask(`avg_over_time(${rated}[${over}]) * ${number(overMs / 1_000)}`),
    ask(meant(series(SERIES.errors, labels))),
    ask(meant(series(SERIES.latency, labels))),
    ask(`min_over_time(${health}[${over}])`),
    ask(`count_over_time(${health}[${over}]) * ${number(timing.scrapeMs / overMs)}`),
    ask(`count by (alertname) (count_over_time(${alerts}[${over}]))`),
  ]);
  const passed = only(healthy);
  return {
    overMs,
    requests: Math.round(only(requests) ?? 0),
    errors: only(errors),
    latency: only(latency),
    healthy: passed === undefined ? undefined : passed > 0,
    watched: Math.min(1, only(looks) ?? 0),
    alerts: fired.flatMap(({ labels: { alertname } }) => alertname ?? []).sort(),
  };
}

export interface MeasureArgs {
  readonly target: RoutedTargetName;
  readonly backend: Backend;
  readonly overMs: number;
  readonly now: Date;
  readonly timing: Timing;
}

function only(values: readonly Value[]): number | undefined {
  return values[0]?.value;
}
