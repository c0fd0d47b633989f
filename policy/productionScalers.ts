import type { Resource, StackCheck } from "./check";
import { UNKNOWN, at } from "./value";
import { isReplicated, leastReplicas, mayScale } from "./workloads";

export const productionScalers: StackCheck = {
  name: "production-scalers",
  description: `In production a Deployment has a scaler or ${leastReplicas} replicas of its own.`,
  findAmong: (resources) =>
    resources.filter(isReplicated).flatMap((deployment) => {
      const isScaled = resources.some((resource) => mayScale(resource, deployment));
      if (isScaled || hasEnough(deployment)) return [];
      return [
        {
          of: deployment,
          found: `fewer than ${leastReplicas} replicas and no HorizontalPodAutoscaler`,
          expected: "one or the other in production",
          remedy: "set `capacity` or `autoscale` in the stack file",
        },
      ];
    }),
};

function hasEnough({ properties }: Resource): boolean {
  const replicas = at(properties, "spec", "replicas");
  return replicas === UNKNOWN || (typeof replicas === "number" && replicas >= leastReplicas);
}
