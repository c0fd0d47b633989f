import type { RoutedTarget } from "../catalog";
import { backendName } from "../cluster/names";
import type { Backend } from "../migration";
import type { Timing } from "./timing";

/** The blackbox exporter's module by which a backend is asked for its health. */
export const PROBE_MODULE = "answers_2xx";

/** Where a backend is asked inside the cluster: at its Service, so that the gateway doesn't count it among users' requests. */
export function probeUrl({ name, port, probes }: RoutedTarget, backend: Backend, namespace: string): string {
  return `http://${backendName(name, backend)}.${namespace}.svc:${port}${probes.readiness.path}`;
}

/** What is healthy: a 2xx in time. What hangs is told as a failure before the scrape gives up, which would tell nothing. */
export function blackboxModules({ scrapeMs }: Timing): object {
  return {
    [PROBE_MODULE]: {
      prober: "http",
      timeout: `${scrapeMs * 0.8}ms`,
      http: { preferred_ip_protocol: "ip4", follow_redirects: false },
    },
  };
}
