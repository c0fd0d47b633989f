import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { KubeApi } from "./kubeApi";

export interface ReadinessArgs {
  readonly namespace: string;
  /** The Deployment's name. */
  readonly deployment: string;
  /** The least replicas that count as full capacity; more when its own spec says so. */
  readonly capacity: number;
  readonly withinSeconds: number;
}

const secondsBetween = 0.25;
/** Waiting longer mends none of these. */
const finalReasons = [
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "ProgressDeadlineExceeded",
  "FailedCreate",
];
/** With this message none is final: the kubelet hasn't heard yet of what has just been made, and tries again by itself. */
const passingMessage = /failed to sync (configmap|secret) cache/;

/**
 * Waits until a Deployment's newest pods are ready at full capacity.
 * @throws Error with the pods' own reasons when that takes too long or can't happen
 */
export async function waitUntilReady(api: KubeApi, args: ReadinessArgs): Promise<void> {
  const deadline = Date.now() + args.withinSeconds * 1000;
  for (;;) {
    const deployment = await readDeployment(api, args);
    const replicas = Math.max(deployment.spec.replicas, args.capacity);
    if (isReady(deployment, replicas)) return;
    const unready = await unreadyPods(api, args, deployment);
    const states = [...failedConditions(deployment), ...unready.flatMap(containerReasons)];
    const isFinal = states.some(
      ({ reason, message }) => finalReasons.includes(reason) && !passingMessage.test(message),
    );
    if (isFinal || Date.now() > deadline) {
      const reasons = [...states, ...(await warnings(api, args, unready))];
      const lines = new Set(
        reasons.map(({ where, reason, message }) => `  ${where}: ${reason}${message ? `: ${message}` : ""}`),
      );
      throw new Error(
        `${args.deployment}: found ${deployment.status.availableReplicas} of ${replicas} pods ready${isFinal ? "" : ` after ${args.withinSeconds} s`}, expected all; no traffic was moved to it.\n${[...lines].join("\n")}`,
      );
    }
    await sleep(secondsBetween * 1000);
  }
}

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});
const deploymentSchema = z.object({
  metadata: z.object({ generation: z.int() }),
  spec: z.object({
    replicas: z.int(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
  }),
  status: z.object({
    observedGeneration: z.int().default(0),
    replicas: z.int().default(0),
    updatedReplicas: z.int().default(0),
    availableReplicas: z.int().default(0),
    conditions: z.array(condition).default([]),
  }),
});
type Deployment = z.infer<typeof deploymentSchema>;

function isReady({ metadata, status }: Deployment, replicas: number): boolean {
  return (
    status.observedGeneration >= metadata.generation &&
    status.updatedReplicas >= replicas &&
    status.availableReplicas >= replicas &&
    status.replicas === status.updatedReplicas
  );
}

interface Reason {
  /** A pod's or a Deployment's name. */
  readonly where: string;
  readonly reason: string;
  readonly message: string;
}

function failedConditions({ metadata, status }: Deployment): Reason[] {
  if (status.observedGeneration < metadata.generation) return [];
  return status.conditions
    .filter(
      ({ type, status: value }) =>
        (type === "Progressing" && value === "False") || (type === "ReplicaFailure" && value === "True"),
    )
    .map(({ reason, message }) => ({ where: "deployment", reason, message }));
}

async function readDeployment(api: KubeApi, { namespace, deployment }: ReadinessArgs): Promise<Deployment> {
  return deploymentSchema.parse(
    await get(api, `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`),
  );
}

const state = z.object({
  reason: z.string().default(""),
  message: z.string().default(""),
  exitCode: z.int().optional(),
});
const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({
        containerStatuses: z
          .array(
            z.object({
              ready: z.boolean(),
              state: z.object({ waiting: state.optional(), terminated: state.optional() }).default({}),
              lastState: z.object({ terminated: state.optional() }).default({}),
            }),
          )
          .default([]),
      }),
    }),
  ),
});
const eventList = z.object({
  items: z.array(
    z.object({
      type: z.string().default(""),
      reason: z.string().default(""),
      message: z.string().default(""),
      involvedObject: z.object({ name: z.string().default("") }),
    }),
  ),
});

type Pod = z.infer<typeof podList>["items"][number];

async function unreadyPods(api: KubeApi, { namespace }: ReadinessArgs, { spec }: Deployment): Promise<Pod[]> {
  const selector = Object.entries(spec.selector.matchLabels).map(([key, value]) => `${key}=${value}`);
  const query = new URLSearchParams({ labelSelector: selector.join(",") }).toString();
  const { items } = podList.parse(await get(api, `/api/v1/namespaces/${namespace}/pods?${query}`));
  return items.filter(
    ({ metadata, status: { containerStatuses } }) =>
      metadata.deletionTimestamp === undefined &&
      (containerStatuses.length === 0 || containerStatuses.some(({ ready }) => !ready)),
  );
}

function containerReasons({ metadata, status }: Pod): Reason[] {
  return status.containerStatuses
    .flatMap((container) => [
      container.state.waiting,
      container.state.terminated,
      container.lastState.terminated,
    ])
    .filter((each) => each !== undefined)
    .map(({ reason, message, exitCode }) => ({
      where: metadata.name,
      reason,
      message: exitCode === undefined ? message : `exit code ${exitCode} ${message}`.trim(),
    }));
}

/** What the kubelet and the scheduler said about the pods. */
async function warnings(api: KubeApi, { namespace }: ReadinessArgs, pods: readonly Pod[]): Promise<Reason[]> {
  const query = new URLSearchParams({ fieldSelector: "involvedObject.kind=Pod,type=Warning" }).toString();
  const { items } = eventList.parse(await get(api, `/api/v1/namespaces/${namespace}/events?${query}`));
  return items
    .filter(({ involvedObject }) => pods.some(({ metadata }) => metadata.name === involvedObject.name))
    .map(({ reason, message, involvedObject }) => ({ where: involvedObject.name, reason, message }));
}

async function get(api: KubeApi, path: string): Promise<unknown> {
  const answer = await api.ask(path);
  if (answer.status === 404) {
    throw new Error(
      `${path}: found nothing in the cluster, though this update believes that it is there; pulumi up --refresh makes it again`,
    );
  }
  if (answer.status !== 200) throw new Error(`${path}: found status ${answer.status}, expected 200`);
  return JSON.parse(answer.body);
}
