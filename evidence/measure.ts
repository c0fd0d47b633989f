import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";
import { SERIES } from "../monitoring/indicators";
import { duration, number, series } from "../monitoring/promql";
import { ALERTS, type Alert } from "../monitoring/table";
import type { Timing } from "../monitoring/timing";
import type { Prometheus, Value } from "./prometheus";

/** What was measured of a backend over a stretch of time; what nobody measured is undefined. */
export interface Measured {
  /** How long the stretch is, in milliseconds. */
  readonly overMs: number;
  /** Over how long errors and latency are means, in milliseconds: the stretch, or a part of it. */
  readonly meanOverMs: number;
  /** Answered in the stretch. */
  readonly requests: number;
  /** The share of failed answers in the part of the stretch where it was greatest, 0 to 1. */
  readonly errors: number | undefined;
  /** Likewise, in seconds. */
  readonly latency: number | undefined;
  /** Whether every probe passed. */
  readonly healthy: boolean | undefined;
  /** Whether every connection to the database was made; absent where it has none of its own. */
  readonly connected?: boolean | undefined;
  /** The share of the stretch in which it was looked at, 0 to 1. */
  readonly watched: number;
  /** The alerts in the stretch that speak against it. */
  readonly alerts: readonly string[];
}

/** @throws NoAnswer */
export async function measure(
  prometheus: Prometheus,
  { target, backend, overMs, meanOverMs = overMs, now, timing, database = false }: MeasureArgs,
): Promise<Measured> {
  const labels = { target, backend };
  const over = duration(overMs);
  const stretch = { overMs, meanOverMs: Math.min(meanOverMs, overMs), timing };
  const samples = series(SERIES.samples, labels);
  const health = series(SERIES.health, labels);
  // What is of the whole target has no backend.
  const alerts = series("ALERTS", { target, backend: `~|${backend}`, alertstate: "firing" });
  const ask = (expression: string): Promise<readonly Value[]> => prometheus.query(expression, now);
  const [requests, errors, latency, healthy, looks, fired, made] = await Promise.all([
    ask(`avg_over_time(${series(SERIES.requests, labels)}[${over}]) * ${number(overMs / 1_000)}`),
    ask(worst(series(SERIES.errors, labels), samples, stretch)),
    ask(worst(series(SERIES.latency, labels), samples, stretch)),
    ask(`min_over_time(${health}[${over}])`),
    ask(`count_over_time(${health}[${over}]) * ${number(timing.scrapeMs / overMs)}`),
    ask(`count by (alertname, severity) (count_over_time(${alerts}[${over}]))`),
    database ? ask(`min_over_time(${series(SERIES.database, labels)}[${over}])`) : undefined,
  ]);
  const passed = only(healthy);
  const connected = made && only(made);
  return {
    overMs,
    meanOverMs: stretch.meanOverMs,
    requests: Math.round(only(requests) ?? 0),
    errors: only(errors),
    latency: only(latency),
    healthy: passed === undefined ? undefined : passed > 0,
    ...(database && { connected: connected === undefined ? undefined : connected > 0 }),
    watched: Math.min(1, only(looks) ?? 0),
    alerts: fired.flatMap((each) => (speaksAgainst(each) ? [each.labels["alertname"] ?? ""] : [])).sort(),
  };
}

export interface MeasureArgs {
  readonly target: RoutedTargetName;
  readonly backend: Backend;
  readonly overMs: number;
  /**
   * Of which part of the stretch errors and latency are told, the worst: a mean of a whole day hides an hour.
   * @default all of it
   */
  readonly meanOverMs?: number;
  readonly now: Date;
  readonly timing: Timing;
  /** Whether the target has one of its own. @default false */
  readonly database?: boolean;
}

interface Stretch {
  readonly overMs: number;
  readonly meanOverMs: number;
  readonly timing: Timing;
}

/**
 * The greatest mean that a ratio has over any `meanOverMs` of the stretch. Each window weighs as its requests do, and
 * where there are too few of them a mean says nothing, here as in the rules. Such a part begins every twentieth of its
 * length: no burst is halved between two of them, and a day is 5,600 parts, not 17,000.
 */
function worst(ratio: string, samples: string, { overMs, meanOverMs, timing }: Stretch): string {
  const on = "on (target, backend)";
  // NaN is no number that could be compared: such a window is left out.
  const known = `(${ratio} >= 0)`;
  const part = `[${duration(meanOverMs)}:${duration(timing.scrapeMs)}]`;
  const mean = [
    `sum_over_time((${known} * ${on} ${samples})${part})`,
    `/ ${on} sum_over_time((${samples} and ${on} ${known})${part})`,
    `and ${on} (avg_over_time(${samples}[${duration(meanOverMs)}]) >= ${timing.minimumSamples})`,
  ].join(" ");
  const rest = overMs - meanOverMs;
  const step = Math.max(timing.scrapeMs, meanOverMs / 20);
  // In a subquery the last part may end a step ago; the whole of a short stretch ends now.
  return rest < step ? mean : `max_over_time((${mean})[${duration(rest)}:${duration(step)}])`;
}

const table: readonly Alert[] = ALERTS;

/**
 * The plan's triggers and its warnings, and what a team watches besides. What is critical without being a trigger wakes
 * somebody, who decides: one failed login in a day's soak is no reason to begin anew, and its share is judged as any
 * other's. Unusual traffic is of the target's users, not of the backend.
 */
function speaksAgainst({ labels: { alertname, severity } }: Value): boolean {
  const known = table.find(({ name }) => name === alertname);
  if (known === undefined) return severity === "critical" || severity === "warning";
  return known.action === "rollback" || (known.severity === "warning" && known.scope !== "target");
}

function only(values: readonly Value[]): number | undefined {
  return values[0]?.value;
}
