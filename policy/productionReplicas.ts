import type { ResourceCheck } from "./check";
import { kindOf } from "./pods";
import { at } from "./value";
import { isReplicated, leastReplicas } from "./workloads";

const expected = `${leastReplicas} or more in production`;
const remedy = "raise `capacity` in the stack file";

export const productionReplicas: ResourceCheck = {
  name: "production-replicas",
  description: `In production no Deployment but a queue's consumer or a database's exporter states fewer than ${leastReplicas} replicas, and no scaler goes below.`,
  find: (resource) => {
    const { properties, environment } = resource;
    if (isReplicated(resource)) {
      // One that states none is judged with its scaler, when all resources are known.
      const replicas = at(properties, "spec", "replicas");
      return isTooFew(replicas) ? [{ found: `replicas: ${replicas}`, expected, remedy }] : [];
    }
    if (environment !== "production" || kindOf(resource) !== "HorizontalPodAutoscaler") return [];
    const least = at(properties, "spec", "minReplicas");
    if (least === undefined) return [{ found: "no minReplicas, which means 1", expected, remedy }];
    return isTooFew(least) ? [{ found: `minReplicas: ${least}`, expected, remedy }] : [];
  },
};

function isTooFew(replicas: unknown): replicas is number {
  return typeof replicas === "number" && replicas < leastReplicas;
}
