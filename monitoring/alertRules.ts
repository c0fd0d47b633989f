import { holder } from "../migration";
import { DATABASE, RESOURCES, SERIES, TRAFFIC, USER_REPORTS, WANTED } from "./indicators";
import type { MonitoredTarget } from "./monitoredTarget";
import { duration, number, series } from "./promql";
import type { AlertingRule } from "./rule";
import { ALERTS, type Alert, type Condition, type Unit } from "./table";

/** The alerts of the table that apply to a target as it is. */
export function alertRules(monitored: MonitoredTarget): readonly AlertingRule[] {
  const rows: readonly Alert[] = ALERTS;
  return [
    ...rows.flatMap((alert) => alertRule(alert, monitored)),
    ...monitored.indicators.map((indicator) => ({
      alert: indicator.name,
      expr: `(${indicator.expr}) > ${number(indicator.above)}`,
      labels: { target: monitored.target.name, severity: "warning" },
      annotations: {
        summary: `{{ $labels.target }}: ${indicator.name} is at {{ $value }}, above ${number(indicator.above)}`,
        runbook: "docs/alert-own.md",
      },
    })),
  ];
}

function alertRule(alert: Alert, monitored: MonitoredTarget): readonly AlertingRule[] {
  const { target, timing } = monitored;
  if (alert.targets?.includes(target.name) === false) return [];
  const expr = expressionOf(alert, monitored);
  if (expr === undefined) return [];
  const held = alert.forMs * timing.scale;
  return [
    {
      alert: alert.name,
      expr,
      // How long it has failed is in the expression.
      ...(held > 0 && !isInExpression(alert) && { for: duration(held) }),
      labels: {
        target: target.name,
        severity: alert.severity,
        ...(alert.action && { action: alert.action }),
      },
      annotations: { summary: alert.summary, runbook: `docs/${alert.runbook}` },
    },
  ];
}

function isInExpression({ condition }: Alert): boolean {
  return condition.kind === "failing";
}

/** Undefined where there is nothing to look at. */
function expressionOf(alert: Alert, monitored: MonitoredTarget): string | undefined {
  const { condition } = alert;
  if (isOfDatabase(alert) && monitored.database !== true) return undefined;
  switch (condition.kind) {
    case "failing":
      return failing(alert, monitored);
    case "above":
      return above(alert, condition, monitored);
    case "event":
      return event(alert, monitored);
  }
}

/**
 * Since when is read from what was recorded, not from `for`: that Prometheus forgets in a restart, and starts again at
 * every probe that is missing.
 */
function failing(alert: Alert, monitored: MonitoredTarget): string {
  const { scrapeMs, scale } = monitored.timing;
  const probed = alert.measure === "database" ? SERIES.database : SERIES.health;
  const health = series(probed, labelsOf(alert, monitored));
  const now = `${health} == 0`;
  const heldMs = alert.forMs * scale;
  if (heldMs === 0) return now;
  const held = duration(heldMs);
  const halfOfProbes = Math.floor(heldMs / scrapeMs / 2);
  return [
    now,
    `max_over_time(${health}[${held}]) == 0`,
    `(${health} offset ${held}) == 0`,
    `count_over_time(${health}[${held}]) >= ${halfOfProbes}`,
    ...hasTraffic(alert, monitored),
  ].join("\nand ");
}

function above(
  alert: Alert,
  { threshold, unit }: Extract<Condition, { kind: "above" }>,
  monitored: MonitoredTarget,
): string | undefined {
  const times = timesOf(unit, monitored);
  if (times === undefined) return undefined;
  return [
    `${valueOf(alert, monitored)} > ${number(threshold * times)}`,
    ...(alert.needsSamples ? enoughSamples(alert, monitored) : []),
    // What has enough requests has traffic.
    ...(alert.action === "rollback" && !alert.needsSamples ? hasTraffic(alert, monitored) : []),
  ].join("\nand ");
}

/** What one of a threshold's unit is; undefined where it isn't known. */
function timesOf(unit: Unit, { baseline, timing }: MonitoredTarget): number | undefined {
  if (unit === "baselines") return baseline?.latencySeconds;
  return unit === "seconds" ? timing.scale : 1;
}

function isOfDatabase({ measure }: Alert): boolean {
  return measure === "database" || Object.hasOwn(DATABASE, measure);
}

function valueOf(alert: Alert, monitored: MonitoredTarget): string {
  const labels = labelsOf(alert, monitored);
  switch (alert.measure) {
    case "errors":
    case "latency":
      return series(SERIES[alert.measure], labels);
    case "checksums":
    case "archive":
    case "backup":
      return series(DATABASE[alert.measure], labels);
    case "resources":
      return series(RESOURCES, labels);
    case "userReports":
      return reported(alert, monitored);
    case "traffic": {
      const { now, before } = traffic(alert, monitored);
      // The greater of the two; of 0 / 0 there is none.
      return `(${now} / ${before} >= ${before} / ${now} or ${before} / ${now})`;
    }
    default:
      throw new Error(`${alert.name}: ${alert.measure} has no value`);
  }
}

/**
 * How many reports came in a span, to the one: `increase` would extrapolate, and see four where there are three. Each
 * step is what came since the last sample before it; a counter that is less than before has begun again from 0.
 */
function reported({ overMs = 0 }: Alert, { target, timing }: MonitoredTarget): string {
  const counter = series(USER_REPORTS, { target: target.name });
  const step = duration(timing.scrapeMs);
  const span = overMs * timing.scale;
  const before = `last_over_time(${counter}[${duration(span)}] offset ${step})`;
  const came = `clamp_min(${counter} - ${before}, 0) + ${counter} * (${counter} < bool ${before})`;
  // Both ends are in a range: one step less is the span.
  return `sum by (target) (sum_over_time((${came})[${duration(span - timing.scrapeMs)}:${step}]))`;
}

function traffic(
  { overMs = 0 }: Alert,
  { target, timing }: MonitoredTarget,
): { readonly now: string; readonly before: string; readonly recorded: string; readonly wanted: number } {
  const now = series(TRAFFIC, { target: target.name });
  const span = overMs * timing.scale;
  const past = `${now}[${duration(span)}] offset ${duration(timing.windowMs)}`;
  return {
    now,
    before: `avg_over_time(${past})`,
    recorded: `count_over_time(${past})`,
    wanted: Math.floor(span / timing.scrapeMs / 2),
  };
}

function enoughSamples(alert: Alert, monitored: MonitoredTarget): readonly string[] {
  const { minimumSamples, windowMs } = monitored.timing;
  if (alert.measure !== "traffic") {
    return [`${series(SERIES.samples, labelsOf(alert, monitored))} >= ${minimumSamples}`];
  }
  const { before, recorded, wanted } = traffic(alert, monitored);
  return [`${before} >= ${number((minimumSamples * 1_000) / windowMs)}`, `${recorded} >= ${wanted}`];
}

/** A colour is meant to have traffic or has some: the config's split, should the update that wrote it have failed. */
function hasTraffic({ scope }: Alert, { target }: MonitoredTarget): readonly string[] {
  const colors = { target: target.name, backend: "~blue|green" };
  const on = scope === "target" ? "target" : "target, backend";
  return [`on (${on}) (${series(WANTED.split, colors)} > 0 or ${series(SERIES.samples, colors)} > 0)`];
}

function event({ measure, overMs = 0 }: Alert, monitored: MonitoredTarget): string | undefined {
  const { target, timing, record, soakHours } = monitored;
  const since = series(WANTED.since, { target: target.name });
  const lately = overMs * timing.scale;
  switch (measure) {
    case "image": {
      const image = series(WANTED.image, { target: target.name });
      // In a longer span than it lasts: a gap is no deployment.
      return `${image} unless last_over_time(${image}[${duration(6 * lately)}] offset ${duration(lately)})`;
    }
    case "split":
      return `time() - ${since} < ${number(lately / 1_000)}`;
    case "soak": {
      const full = holder(record.split);
      const isSoaking = full !== undefined && full !== "legacy" && record.legacy === "standby";
      return isSoaking ? `time() - ${since} >= ${number(soakHours * 3_600)}` : undefined;
    }
    default:
      throw new Error(`${measure} is no event`);
  }
}

function labelsOf({ scope }: Alert, { target }: MonitoredTarget): Record<string, string> {
  return { target: target.name, ...(scope === "colors" && { backend: "~blue|green" }) };
}
