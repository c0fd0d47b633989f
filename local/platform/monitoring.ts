import { timingOf } from "../../monitoring/timing";
import type { Toolbox } from "../../tools/acquire";
import { alertmanager } from "./alertmanager";
import { monitoringSync } from "./monitoringSync";
import { ensurePart, type Part } from "./processes";
import { blackboxExporter, prometheus } from "./prometheus";

/** What sees the platform and tells of it. */
export interface MonitoringParts {
  /** They need nothing but themselves to start. */
  readonly alone: readonly Part[];
  /** Needs the API server. */
  readonly sync: Part;
}

/** @param scale by which tests shorten every duration; the stack's rules must be made for the same */
export function monitoringParts(tools: Toolbox, scale = 1): MonitoringParts {
  const timing = timingOf(scale);
  return {
    alone: [alertmanager(tools, timing), prometheus(tools, timing), blackboxExporter(tools, timing)],
    sync: monitoringSync(tools),
  };
}

/** Restarts what runs at another scale, on a platform that is up. The next `npm start` brings back the plan's durations. */
export async function startMonitoring(tools: Toolbox, { scale }: { readonly scale: number }): Promise<void> {
  const { alone, sync } = monitoringParts(tools, scale);
  await Promise.all([...alone, sync].map(ensurePart));
}
