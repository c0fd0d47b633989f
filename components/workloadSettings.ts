import type { RoutedTarget } from "../catalog";

/** What the catalog says about a workload, as its environment variables. */
export function workloadSettings({ workload }: RoutedTarget): Record<string, string> {
  switch (workload.kind) {
    case "web":
      return { SESSION_COOKIE: workload.sessions.cookie, STATIC_ASSETS_PATH: workload.staticAssets.path };
    case "external-api":
      return {
        RATE_LIMIT_PER_SECOND: String(workload.rateLimit.requestsPerSecond),
        RATE_LIMIT_PER: workload.rateLimit.per,
      };
    case "consumer":
      return { QUEUE: workload.queue };
    case "orchestrator":
    case "tools":
    case "api":
    case "auth":
    case "static":
      return {};
  }
}
