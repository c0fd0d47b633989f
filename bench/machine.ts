import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** What a figure's absolute values depend on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  /** GB */
  readonly memory: number;
  readonly kernel: string;
  readonly node: string;
}

export function machineFacts(): Machine {
  const cpus = os.cpus();
  return {
    cores: cpus.length,
    processor: cpus[0]?.model ?? "unknown",
    memory: Math.round(os.totalmem() / 1e9),
    kernel: os.release(),
    node: process.versions.node,
  };
}

/** How busy the machine was when measuring began. */
export interface Readiness {
  /** Over 1, 5 and 15 minutes. */
  readonly loadAverage: readonly number[];
  /** Of times: others were at work: absolute values say little, ratios somewhat more. */
  readonly busy: boolean;
}

const patienceSeconds = 90;

/**
 * Waits until what was done before no longer shows in the load average, but not for long.
 * @param isTimed otherwise it doesn't matter
 */
export async function readyToMeasure(isTimed: boolean, signal: AbortSignal): Promise<Readiness> {
  const deadline = Date.now() + patienceSeconds * 1000;
  while (isTimed && isBusy(os.loadavg(), os.cpus().length) && Date.now() < deadline) {
    await sleep(1000, undefined, { signal });
  }
  const loadAverage = os.loadavg();
  return { loadAverage, busy: isTimed && isBusy(loadAverage, os.cpus().length) };
}

/** Half of the cores are enough for one command; the platform beside it takes its share of them. */
export function isBusy([lastMinute = 0]: readonly number[], cores: number): boolean {
  return lastMinute > cores / 2;
}
