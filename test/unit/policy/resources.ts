import { unknownCheckingProxy } from "@pulumi/policy/proxy";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import type { Environment } from "../../../config/environment";
import { type Resource, type ResourceCheck, type StackCheck, sentence } from "../../../policy/check";
import { plain } from "../../../policy/value";

/** What the engine sends in a preview for a value that only the update will know. */
export const unknown = unknownValue;

export type Properties = Readonly<Record<string, unknown>>;

interface Surroundings {
  /** @default production */
  readonly environment?: Environment;
  /** @default false */
  readonly isProtected?: boolean;
}

/** A resource as a check gets it from the engine. */
export function given(type: string, properties: Properties, surroundings: Surroundings = {}): Resource {
  const { environment = "production", isProtected = false } = surroundings;
  const urn = `urn:pulumi:test::pyairtable::${type}::it`;
  return { type, urn, properties: plain(unknownCheckingProxy(properties)), isProtected, environment };
}

/** What a check says about a resource, in words. */
export function said(check: ResourceCheck, resource: Resource): string[] {
  return check.find(resource).map(sentence);
}

/** What a check says about resources that are all there is. */
export function saidAmong(check: StackCheck, resources: readonly Resource[]): string[] {
  return check.findAmong(resources).map(sentence);
}

/** A container that no check has anything against. */
export const container: Properties = {
  name: "service",
  image: `registry.example/app@sha256:${"a".repeat(64)}`,
  ports: [{ containerPort: 8080 }],
  readinessProbe: { httpGet: { path: "/", port: 8080 } },
  livenessProbe: { httpGet: { path: "/", port: 8080 } },
  resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "1", memory: "1Gi" } },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
};

/** A pod that no check has anything against. */
export const pod: Properties = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [container],
};

/** The properties without one of them. */
export function without(properties: Properties, key: string): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([other]) => other !== key));
}

const labels = { app: "frontend-blue" };

/** A pod in a Deployment of two replicas. */
export function deployment(
  podSpec: unknown = pod,
  { spec = {}, podLabels = labels, ...surroundings }: DeploymentOptions = {},
): Resource {
  return given(
    "kubernetes:apps/v1:Deployment",
    {
      metadata: { name: "frontend-blue", namespace: "pyairtable" },
      spec: { replicas: 2, template: { metadata: { labels: podLabels }, spec: podSpec }, ...spec },
    },
    surroundings,
  );
}

interface DeploymentOptions extends Surroundings {
  readonly spec?: Properties;
  readonly podLabels?: unknown;
}

/** A pod in every kind that carries one. */
export function inEveryKind(podSpec: unknown): Resource[] {
  const template = { template: { spec: podSpec } };
  return [
    given("kubernetes:core/v1:Pod", { spec: podSpec }),
    ...[
      "apps/v1:Deployment",
      "apps/v1:StatefulSet",
      "apps/v1:DaemonSet",
      "apps/v1:ReplicaSet",
      "batch/v1:Job",
    ].map((kind) => given(`kubernetes:${kind}`, { spec: template })),
    given("kubernetes:batch/v1:CronJob", { spec: { jobTemplate: { spec: template } } }),
  ];
}

/** The scaler of `deployment()`. */
export function scaler(spec: Properties, surroundings: Surroundings = {}): Resource {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "frontend-blue" };
  return given(
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    { metadata: { namespace: "pyairtable" }, spec: { scaleTargetRef, ...spec } },
    surroundings,
  );
}

/** The budget of `deployment()`. */
export function budget(spec: Properties, namespace = "pyairtable"): Resource {
  return given("kubernetes:policy/v1:PodDisruptionBudget", {
    metadata: { namespace },
    spec: { selector: { matchLabels: labels }, ...spec },
  });
}
