import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { KubeApi } from "./kubeApi";
import { createObject, deleteUntilGone, readObject } from "./objects";
import { namesOfLeft, ownAnnotations, ownedMetadata } from "./owner";

/** A pod that a command makes for itself, as it is sent to the API server. */
export interface OwnPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

const secondsBetween = 0.25;
/** Waiting longer mends none of these. */
const finalReasons = ["ErrImageNeverPull", "InvalidImageName"];

export interface WaitForPod {
  readonly withinSeconds: number;
  /** What else must hold, asked once its containers are ready. @default nothing */
  readonly isDone?: () => Promise<boolean>;
  readonly signal?: AbortSignal;
}

/**
 * Makes a pod, in place of one of this name, and waits until all its containers are ready.
 * @returns its address
 * @throws Error with the pod's own reasons when that takes too long or can't happen; the pod is gone then
 */
export async function startOwnPod(api: KubeApi, pod: OwnPod, wait: WaitForPod): Promise<string> {
  const { name, namespace } = pod.metadata;
  wait.signal?.throwIfAborted();
  // A command that was killed may have left it.
  await deleteOwnPod(api, namespace, name);
  const metadata = { ...pod.metadata, annotations: ownAnnotations() };
  await createObject(api, podsPath(namespace), { ...pod, apiVersion: "v1", kind: "Pod", metadata });
  try {
    return await waitUntilRunning(api, namespace, name, wait);
  } catch (error) {
    await deleteOwnPod(api, namespace, name).catch(() => {});
    throw error;
  }
}

/**
 * Deletes it, and waits until it is gone; none there is as good.
 * @param graceSeconds what runs in it gets to end by itself
 */
export async function deleteOwnPod(
  api: KubeApi,
  namespace: string,
  name: string,
  graceSeconds = 1,
): Promise<void> {
  await deleteUntilGone(api, `${podsPath(namespace)}/${name}`, graceSeconds);
}

const listSchema = z.object({ items: z.array(z.object({ metadata: ownedMetadata })) });

/**
 * Deletes the pods that commands have made for themselves and left, as they were killed.
 * @param labels those that they have
 * @returns their names
 */
export async function deleteLeftPods(
  api: KubeApi,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const labelSelector = Object.entries(labels)
    .map((label) => label.join("="))
    .join(",");
  const query = new URLSearchParams({ labelSelector }).toString();
  const pods = await readObject(api, `${podsPath(namespace)}?${query}`, listSchema);
  const names = namesOfLeft(pods?.items ?? []);
  await Promise.all(names.map((name) => deleteOwnPod(api, namespace, name)));
  return names;
}

function podsPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

const stateSchema = z.object({ reason: z.string().default(""), message: z.string().default("") });
const containerSchema = z.object({
  name: z.string(),
  ready: z.boolean(),
  state: z.object({ waiting: stateSchema.optional(), terminated: stateSchema.optional() }),
});
const podSchema = z.object({
  status: z.object({
    phase: z.string(),
    podIP: z.string().optional(),
    conditions: z
      .array(z.object({ type: z.string(), status: z.string(), message: z.string().default("") }))
      .default([]),
    initContainerStatuses: z.array(containerSchema).default([]),
    containerStatuses: z.array(containerSchema).default([]),
  }),
});

async function waitUntilRunning(
  api: KubeApi,
  namespace: string,
  name: string,
  { withinSeconds, isDone, signal }: WaitForPod,
): Promise<string> {
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    const found = await readObject(api, `${podsPath(namespace)}/${name}`, podSchema);
    if (found === undefined) throw new Error(`pod ${name}: found it gone, expected it ready`);
    const pod = found.status;
    const isReady = pod.conditions.some((each) => each.type === "Ready" && each.status === "True");
    if (isReady && pod.podIP !== undefined && (isDone === undefined || (await isDone()))) return pod.podIP;
    const states = [...pod.initContainerStatuses, ...pod.containerStatuses]
      .map(({ name: container, state: { waiting, terminated } }) => ({
        container,
        ...(waiting ?? terminated),
      }))
      .filter((each) => each.reason !== undefined);
    const isFinal =
      ["Failed", "Succeeded"].includes(pod.phase) ||
      states.some((each) => finalReasons.includes(each.reason ?? ""));
    if (isFinal || Date.now() > deadline) {
      const reasons = [
        ...states.map((each) => `${each.container}: ${each.reason ?? ""} ${each.message ?? ""}`.trim()),
        ...pod.conditions.map(({ message }) => message).filter(Boolean),
      ];
      throw new Error(
        `pod ${name}: found it ${pod.phase}${isFinal ? "" : ` after ${withinSeconds} s`}, expected it ready: ${reasons.join("; ")}`,
      );
    }
    await sleep(secondsBetween * 1000, undefined, signal && { signal });
  }
}
