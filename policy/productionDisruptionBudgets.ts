import type { Finding, Resource, StackCheck } from "./check";
import { at } from "./value";
import { isReplicated, mayCover, mayScale } from "./workloads";

export const productionDisruptionBudgets: StackCheck = {
  name: "production-disruption-budgets",
  description:
    "In production a PodDisruptionBudget covers every Deployment, and asks for fewer pods than there are.",
  findAmong: (resources) =>
    resources.filter(isReplicated).flatMap((deployment) => {
      const budgets = resources.filter((resource) => mayCover(resource, deployment));
      const least = leastPods(deployment, resources);
      const findings =
        budgets.length === 0 ? [uncovered] : budgets.flatMap((budget) => tooGreedy(budget, least));
      return findings.map((finding) => ({ of: deployment, ...finding }));
    }),
};

const uncovered: Finding = {
  found: "no PodDisruptionBudget that selects its pods",
  expected: "one in production",
  remedy: "a drain of nodes would take all pods at once: give it one with maxUnavailable: 1",
};

function tooGreedy(budget: Resource, least: unknown): Finding[] {
  const wanted = at(budget.properties, "spec", "minAvailable");
  if (typeof wanted !== "number" || typeof least !== "number" || wanted < least) return [];
  return [
    {
      found: `a PodDisruptionBudget with minAvailable: ${wanted} over ${least} pods`,
      expected: "one that lets at least one pod go",
      remedy: "use maxUnavailable: 1",
    },
  ];
}

/** With a scaler, what it may go down to; else what the Deployment says. */
function leastPods(deployment: Resource, resources: readonly Resource[]): unknown {
  const scaler = resources.find((resource) => mayScale(resource, deployment));
  return scaler === undefined
    ? at(deployment.properties, "spec", "replicas")
    : at(scaler.properties, "spec", "minReplicas");
}
