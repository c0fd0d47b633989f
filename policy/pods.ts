import type { Resource } from "./check";
import { type Value, at, itemsAt } from "./value";

/** Where each kind that carries a pod keeps the pod's spec. */
const specOf: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

export interface Container {
  /** For messages: `container service`, `init container migrate`. */
  readonly label: string;
  /** Whether it runs as long as the pod does. */
  readonly stays: boolean;
  readonly spec: Value;
}

/** `Deployment` of `kubernetes:apps/v1:Deployment`, in whichever version of its API; undefined of what isn't Kubernetes'. */
export function kindOf({ type }: Resource): string | undefined {
  return /^kubernetes:[^:]+:([A-Z]\w*)$/.exec(type)?.[1];
}

/** The spec of the pod that a resource carries, undefined if it carries none. */
export function podSpecOf(resource: Resource): Value {
  const path = specOf[kindOf(resource) ?? ""];
  return path && at(resource.properties, ...path);
}

/** Every container of a pod of which something is known, those that start it included. */
export function containersOf(podSpec: Value): Container[] {
  return [
    ...itemsAt(podSpec, "initContainers").map((spec): Container => ({
      label: labelOf("init container", spec),
      // A sidecar.
      stays: at(spec, "restartPolicy") === "Always",
      spec,
    })),
    ...itemsAt(podSpec, "containers").map((spec): Container => ({
      label: labelOf("container", spec),
      stays: true,
      spec,
    })),
  ];
}

function labelOf(what: string, spec: Value): string {
  const name = at(spec, "name");
  return typeof name === "string" ? `${what} ${name}` : what;
}
