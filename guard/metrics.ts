import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { USER_REPORTS } from "../monitoring/indicators";

/** What became of an alert. */
export const outcomes = ["rollback", "read-only", "ignored", "shouted", "unauthorized", "malformed"] as const;
export type Outcome = (typeof outcomes)[number];

/** The guard about itself, and the users' reports that it counts. All series are there from the start. */
export class GuardMetrics {
  readonly registry = new Registry();
  private readonly register = { registers: [this.registry] };

  readonly userReports = new Counter({
    name: USER_REPORTS,
    help: "Critical issues that users reported",
    labelNames: ["target"] as const,
    ...this.register,
  });
  readonly alerts = new Counter({
    name: "pyairtable_guard_alerts_total",
    help: "Alerts by what became of them",
    labelNames: ["outcome"] as const,
    ...this.register,
  });
  readonly rollbacks = new Counter({
    name: "pyairtable_guard_rollbacks_total",
    help: "Rollbacks by how far they came: moved, failed (no traffic was moved), recorded",
    labelNames: ["target", "result"] as const,
    ...this.register,
  });
  readonly seconds = new Histogram({
    name: "pyairtable_guard_rollback_seconds",
    help: "From the alert's arrival until the data plane serves the way back",
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
    ...this.register,
  });
  readonly unrecorded = new Gauge({
    name: "pyairtable_guard_unrecorded",
    help: "1 while a target's traffic is back, and git and state don't say so yet",
    labelNames: ["target"] as const,
    ...this.register,
  });
  readonly stuck = new Counter({
    name: "pyairtable_guard_shouts_total",
    help: "Triggers that the guard could do nothing about: somebody must look",
    labelNames: ["target"] as const,
    ...this.register,
  });
  readonly leader = new Gauge({
    name: "pyairtable_guard_leader",
    help: "1 for the guard that acts",
    ...this.register,
  });
  readonly prometheusUp = new Gauge({
    name: "pyairtable_guard_prometheus_up",
    help: "1 if Prometheus could be asked the last time",
    ...this.register,
  });
  readonly chatFailures = new Counter({
    name: "pyairtable_guard_chat_failures_total",
    help: "Messages that no chat took",
    ...this.register,
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const outcome of outcomes) this.alerts.inc({ outcome }, 0);
    for (const target of routedTargets) {
      this.userReports.inc({ target }, 0);
      this.stuck.inc({ target }, 0);
      this.unrecorded.set({ target }, 0);
      for (const result of ["moved", "failed", "recorded"]) this.rollbacks.inc({ target, result }, 0);
    }
  }

  rollback(target: RoutedTargetName, result: "moved" | "failed" | "recorded"): void {
    this.rollbacks.inc({ target, result });
  }
}
