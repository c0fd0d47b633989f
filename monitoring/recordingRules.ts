import { BACKENDS, type Backend, COLORS, type Color, formatSplit } from "../migration";
import { backendName } from "../cluster/names";
import { gatewayCounters } from "./gateway";
import { connectionSamples, dataSamples } from "./database";
import { DATABASE, RESOURCES, SERIES, TRAFFIC, WANTED } from "./indicators";
import type { MonitoredTarget } from "./monitoredTarget";
import { duration, number, series } from "./promql";
import { amountOf } from "./quantity";
import type { RecordingRule } from "./rule";
import type { Timing } from "./timing";

/** What is recorded of a target, alike for each of its backends. */
export function recordingRules(monitored: MonitoredTarget): readonly RecordingRule[] {
  const { target, record } = monitored;
  const since = Math.floor(record.since.getTime() / 1_000);
  return [
    ...BACKENDS.flatMap((backend) => ofGateway(monitored, backend)),
    {
      record: TRAFFIC,
      expr: `sum(${series(SERIES.requests, { target: target.name })})`,
      labels: { target: target.name },
    },
    ...runningBackends(monitored).map((backend) => health(monitored, backend)),
    ...runningColors(monitored).flatMap((color) => ofRelease(monitored, color)),
    ...(monitored.database === true ? ofDatabase(monitored) : []),
    ...BACKENDS.map((backend) => ({
      record: WANTED.split,
      expr: `vector(${record.split[backend]})`,
      labels: { target: target.name, backend },
    })),
    {
      record: WANTED.since,
      expr: `vector(${since})`,
      labels: { target: target.name, split: formatSplit(record.split) },
    },
  ];
}

/** Legacy while it is kept, and each colour that runs. */
export function runningBackends(monitored: MonitoredTarget): readonly Backend[] {
  return [
    ...(monitored.record.legacy === "standby" ? (["legacy"] as const) : []),
    ...runningColors(monitored),
  ];
}

export function runningColors({ record }: MonitoredTarget): readonly Color[] {
  return COLORS.filter((color) => record.images[color] !== undefined);
}

/** A counter of a code appears with its first answer: none is no error, as long as there are answers. */
function ofGateway(
  { target, namespace, timing }: MonitoredTarget,
  backend: Backend,
): readonly RecordingRule[] {
  const { requests, failed, milliseconds, timed } = gatewayCounters(target, backend, namespace);
  const window = duration(timing.windowMs);
  const increase = (counter: string): string => `sum(increase(${counter}[${window}]))`;
  const labels = { target: target.name, backend };
  return [
    { record: SERIES.requests, expr: `sum(rate(${requests}[${window}]))`, labels },
    { record: SERIES.samples, expr: increase(requests), labels },
    {
      record: SERIES.errors,
      expr: exact(`(${increase(failed)} or 0 * ${increase(requests)}) / (${increase(requests)} > 0)`),
      labels,
    },
    {
      record: SERIES.latency,
      expr: exact(`${increase(milliseconds)} / (${increase(timed)} > 0) / 1000`),
      labels,
    },
  ];
}

/** To a millionth: what is exactly at a threshold isn't above it by a binary fraction. */
function exact(expr: string): string {
  return `round(${expr}, 0.000001)`;
}

function health({ target }: MonitoredTarget, backend: Backend): RecordingRule {
  const labels = { target: target.name, backend };
  return { record: SERIES.health, expr: `min(${series("probe_success", labels)})`, labels };
}

/** Of the backends that run: a role that nobody uses may fail as it likes. */
function ofDatabase(monitored: MonitoredTarget): readonly RecordingRule[] {
  const target = monitored.target.name;
  const { checksumFailures, archiveWaiting, backupFinished } = dataSamples(target);
  const labels = { target };
  return [
    ...runningBackends(monitored).map((backend) => ({
      record: SERIES.database,
      expr: connected(connectionSamples(target, backend), monitored.timing),
      labels: { target, backend },
    })),
    { record: DATABASE.checksums, expr: `max(${checksumFailures})`, labels },
    { record: DATABASE.archive, expr: `max(${archiveWaiting})`, labels },
    { record: DATABASE.backup, expr: `time() - max(${backupFinished})`, labels },
  ];
}

/** What was seen before the last two scrapes says nothing: one failure and silence make no minute of failures. */
function connected(samples: string, { scrapeMs }: Timing): string {
  return `min(${samples} and last_over_time(${samples}[${duration(2 * scrapeMs)}]))`;
}

function ofRelease(
  { target, namespace, timing, record }: MonitoredTarget,
  color: Color,
): readonly RecordingRule[] {
  const labels = { target: target.name, backend: color };
  const pods = { namespace, pod: `~${backendName(target.name, color)}-.*`, container: "service" };
  const { cpu, memory } = target.resources.limits;
  const used = `rate(${series("container_cpu_usage_seconds_total", pods)}[${duration(timing.windowMs)}])`;
  const held = series("container_memory_working_set_bytes", pods);
  return [
    {
      record: RESOURCES,
      expr: `max(${used}) / ${number(amountOf(cpu))}`,
      labels: { ...labels, resource: "cpu" },
    },
    {
      record: RESOURCES,
      expr: `max(${held}) / ${number(amountOf(memory))}`,
      labels: { ...labels, resource: "memory" },
    },
    {
      record: WANTED.image,
      expr: "vector(1)",
      labels: { ...labels, image: record.images[color] ?? "" },
    },
  ];
}
