import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";
import type { AlertName } from "../monitoring/table";
import type { Alert } from "./alert";

/** Of legacy too, which has no triggers. */
export const healthCheckFailed: AlertName = "HealthCheckFailed";
export const connectionFailed: AlertName = "DatabaseConnectionFailed";

/**
 * Of which backends an alert was true a moment ago. That it isn't now makes nobody well: a scrape may be lost, and one
 * backend's comes some seconds before another's.
 */
export class Lately {
  private readonly seen = new Map<RoutedTargetName, Map<Backend, number>>();

  /** @param forMs how long it is remembered */
  constructor(
    private readonly name: AlertName,
    private readonly forMs: number,
  ) {}

  /** @param now as `performance.now()` gives it */
  see(active: readonly Alert[], now = performance.now()): void {
    for (const { name, target, backend } of active) {
      if (name !== this.name || target === undefined || backend === undefined) continue;
      const ofTarget = this.seen.get(target) ?? new Map<Backend, number>();
      this.seen.set(target, ofTarget.set(backend, now));
    }
  }

  backendsOf(target: RoutedTargetName, now = performance.now()): ReadonlySet<Backend> {
    const seen = [...(this.seen.get(target) ?? [])];
    return new Set(seen.filter(([, at]) => now - at <= this.forMs).map(([backend]) => backend));
  }
}
