import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";
import type { AlertName } from "../monitoring/table";
import type { Alert } from "./alert";

/** Of legacy too, which has no triggers. */
export const healthCheckFailed: AlertName = "HealthCheckFailed";

/**
 * Who has failed a health check a moment ago. One scrape that is lost takes the alert away until the next one, and makes
 * nobody well: what isn't known then would send the users to a backend that hangs.
 */
export class Unwell {
  private readonly failed = new Map<RoutedTargetName, Map<Backend, number>>();

  /** @param forMs how long a failure is remembered */
  constructor(private readonly forMs: number) {}

  /** @param now as `performance.now()` gives it */
  see(active: readonly Alert[], now = performance.now()): void {
    for (const { name, target, backend } of active) {
      if (name !== healthCheckFailed || target === undefined || backend === undefined) continue;
      const ofTarget = this.failed.get(target) ?? new Map<Backend, number>();
      this.failed.set(target, ofTarget.set(backend, now));
    }
  }

  backendsOf(target: RoutedTargetName, now = performance.now()): ReadonlySet<Backend> {
    const failed = [...(this.failed.get(target) ?? [])];
    return new Set(failed.filter(([, at]) => now - at <= this.forMs).map(([backend]) => backend));
  }
}
