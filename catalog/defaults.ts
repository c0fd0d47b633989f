import type { Resources, RoutedTarget, SmokeCheck } from "./types";

/** What the nine services have agreed on, so that an entry shows only what is its own. */
export const port = 9898;

export const probes: RoutedTarget["probes"] = {
  startup: { path: "/healthz", periodSeconds: 1, failureThreshold: 60 },
  readiness: { path: "/readyz", periodSeconds: 2, failureThreshold: 2 },
  liveness: { path: "/healthz", periodSeconds: 10, failureThreshold: 3 },
};

export const smallService: Resources = {
  requests: { cpu: "10m", memory: "32Mi" },
  limits: { cpu: "500m", memory: "256Mi" },
};

export const longestRequestSeconds = 30;

/** The plan's post-extraction checklist, which holds for every target. */
export const postExtraction: readonly string[] = [
  "Production deployment successful",
  "Health checks green for 24 hours",
  "User acceptance testing completed",
  "Documentation updated",
  "Team training completed",
];

export function answers(path: string): SmokeCheck {
  return { name: `answers ${path}`, request: { method: "GET", path }, expect: { status: 200 } };
}
