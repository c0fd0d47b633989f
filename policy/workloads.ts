import { consumerRole, databaseExporterLabels } from "../cluster/names";
import type { Resource } from "./check";
import { kindOf } from "./pods";
import { UNKNOWN, type Value, at, mapOf, mayEqual } from "./value";

/** What an outage of one node or zone must not take away. */
export const leastReplicas = 2;

/**
 * Whether it is one of production's Deployments that share work. A queue has exactly one consumer, and a database one
 * exporter, on purpose.
 */
export function isReplicated(resource: Resource): boolean {
  return (
    resource.environment === "production" &&
    kindOf(resource) === "Deployment" &&
    ![consumerRole, databaseExporterLabels].some((labels) =>
      Object.entries(labels).every(([key, value]) => mayEqual(at(podLabels(resource), key), value)),
    )
  );
}

/** Whether a scaler scales a Deployment, or may do so: what is unknown isn't held against either. */
export function mayScale(scaler: Resource, deployment: Resource): boolean {
  const target = at(scaler.properties, "spec", "scaleTargetRef");
  return (
    kindOf(scaler) === "HorizontalPodAutoscaler" &&
    areNeighbours(scaler, deployment) &&
    mayEqual(at(target, "kind"), "Deployment") &&
    mayEqual(at(target, "name"), at(deployment.properties, "metadata", "name"))
  );
}

/** Whether a disruption budget covers a Deployment's pods, or may do so. */
export function mayCover(budget: Resource, deployment: Resource): boolean {
  const selector = at(budget.properties, "spec", "selector");
  if (kindOf(budget) !== "PodDisruptionBudget" || !areNeighbours(budget, deployment)) return false;
  // None selects nothing; an empty one selects everything.
  if (selector === undefined || selector === UNKNOWN) return selector === UNKNOWN;
  const labels = podLabels(deployment);
  return Object.entries(mapOf(at(selector, "matchLabels"))).every(([key, label]) =>
    mayEqual(at(labels, key), label),
  );
}

/** Whether they are in one namespace. */
function areNeighbours(a: Resource, b: Resource): boolean {
  return mayEqual(at(a.properties, "metadata", "namespace"), at(b.properties, "metadata", "namespace"));
}

function podLabels({ properties }: Resource): Value {
  return at(properties, "spec", "template", "metadata", "labels");
}
