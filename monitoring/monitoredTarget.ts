import type { RoutedTarget } from "../catalog";
import type { RouteRecord } from "../migration";
import type { Baseline } from "./baseline";
import type { Timing } from "./timing";

/** A measure of the service's own, beside the gateway's: it warns, and rolls nothing back. */
export interface AppIndicator {
  /** The alert's name. */
  readonly name: string;
  /** PromQL. */
  readonly expr: string;
  /** The alert is true while `expr` is above it. */
  readonly above: number;
}

/** One target, as far as its rules depend on it. */
export interface MonitoredTarget {
  readonly target: RoutedTarget;
  readonly namespace: string;
  readonly timing: Timing;
  /** What its route carries once the update is done. */
  readonly record: Pick<RouteRecord, "split" | "since" | "images" | "legacy">;
  readonly soakHours: number;
  /** @default none: nothing is said about latency */
  readonly baseline?: Baseline;
  readonly indicators: readonly AppIndicator[];
  /** Whether it has a database of its own. @default false */
  readonly database?: boolean;
}
