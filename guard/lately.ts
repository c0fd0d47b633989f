import type { RoutedTargetName } from "../catalog";
import { BACKENDS, type Backend } from "../migration";
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
  private readonly seen = new Map<string, number>();

  /** @param now as `performance.now()` gives it */
  see(active: readonly Alert[], now = performance.now()): void {
    for (const { name, target, backend } of active) {
      if (target !== undefined && backend !== undefined) this.seen.set(keyOf(name, target, backend), now);
    }
  }

  /** @param withinMs how long ago is a moment ago */
  backendsOf(
    name: AlertName,
    target: RoutedTargetName,
    withinMs: number,
    now = performance.now(),
  ): ReadonlySet<Backend> {
    const lastOf = (backend: Backend): number => this.seen.get(keyOf(name, target, backend)) ?? -Infinity;
    return new Set(BACKENDS.filter((backend) => now - lastOf(backend) <= withinMs));
  }
}

function keyOf(name: string, target: RoutedTargetName, backend: Backend): string {
  return `${name} ${target}/${backend}`;
}
