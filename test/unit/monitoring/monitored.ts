import { catalogEntry } from "../../../catalog";
import { ALL_LEGACY, type Split } from "../../../migration";
import type { MonitoredTarget } from "../../../monitoring/monitoredTarget";
import { timingOf } from "../../../monitoring/timing";

export const baselineMs = 200;

/** The frontend, shared by legacy and blue. */
export function monitored(changes: Partial<MonitoredTarget> = {}): MonitoredTarget {
  return {
    target: catalogEntry("frontend"),
    namespace: "pyairtable",
    timing: timingOf(),
    record: recordOf({ legacy: 50, blue: 50, green: 0 }),
    soakHours: 24,
    baseline: {
      latencySeconds: baselineMs / 1_000,
      errorRatio: 0,
      requestsPerSecond: 20,
      requests: 72_000,
      measuredAt: new Date("2025-08-11T08:00:00Z"),
    },
    indicators: [],
    database: true,
    ...changes,
  };
}

/** Of a frontend whose blue release runs. */
export function recordOf(split: Split): MonitoredTarget["record"] {
  return {
    split,
    since: new Date("2025-08-11T09:00:00Z"),
    images: { blue: "registry/frontend:1" },
    legacy: "standby",
  };
}

export const onLegacy = (): MonitoredTarget["record"] => recordOf(ALL_LEGACY);
