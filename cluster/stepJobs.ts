import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type StepJob, stepContainers, stepRole } from "../database/stepJob";
import type { KubeApi } from "./kubeApi";
import { ClusterError } from "./liveRoutes";
import { createObject, deleteObject, readObject } from "./objects";
import { namesOfLeft, ownAnnotations, ownedMetadata } from "./owner";

/** How a step's Job stands. */
export type StepJobState = "running" | "succeeded" | "failed";

const conditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});
const jobSchema = z.object({
  metadata: ownedMetadata,
  status: z.object({ conditions: z.array(conditionSchema).default([]) }).default({ conditions: [] }),
});
type Job = z.infer<typeof jobSchema>;

/** The Jobs of steps that there are, by name, with one LIST. @throws UnreachableError, ClusterError */
export async function readStepJobs(
  api: KubeApi,
  namespace: string,
): Promise<ReadonlyMap<string, StepJobState>> {
  return new Map((await listJobs(api, namespace)).map((job) => [job.metadata.name, stateOf(job)]));
}

async function listJobs(api: KubeApi, namespace: string): Promise<readonly Job[]> {
  const [[key, value] = []] = Object.entries(stepRole);
  const path = `${collection(namespace)}?labelSelector=${key ?? ""}%3D${value ?? ""}`;
  return (await get(api, path, z.object({ items: z.array(jobSchema) }))).items;
}

export interface WaitForStep {
  readonly namespace: string;
  readonly job: string;
  readonly withinSeconds: number;
  readonly signal?: AbortSignal;
}

const secondsBetween = 0.25;

/** Waits until a step's Job has succeeded. @throws Error with the last lines of the container that failed */
export async function waitForStep(api: KubeApi, wait: WaitForStep): Promise<void> {
  const { namespace, job: name, withinSeconds, signal } = wait;
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    const job = await get(api, `${collection(namespace)}/${name}`, jobSchema);
    const state = stateOf(job);
    if (state === "succeeded") return;
    if (state === "failed" || Date.now() > deadline) {
      const why = job.status.conditions.filter(({ status }) => status === "True").at(-1);
      const how = state === "failed" ? (why?.message ?? "") : `it still runs after ${withinSeconds} s`;
      throw new Error(`${name}: ${[how, ...(await lastWords(api, wait))].join("\n")}`);
    }
    await sleep(secondsBetween * 1000, undefined, signal && { signal });
  }
}

function stateOf({ status: { conditions } }: Job): StepJobState {
  const holds = (type: string): boolean =>
    conditions.some((condition) => condition.type === type && condition.status === "True");
  if (holds("Complete")) return "succeeded";
  return holds("Failed") ? "failed" : "running";
}

const stateSchema = z.object({
  reason: z.string().default(""),
  message: z.string().default(""),
  exitCode: z.int().optional(),
});
const statuses = z
  .array(
    z.object({
      name: z.string(),
      state: z.object({ waiting: stateSchema.optional(), terminated: stateSchema.optional() }).default({}),
    }),
  )
  .default([]);
const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
      status: z.object({ initContainerStatuses: statuses, containerStatuses: statuses }),
    }),
  ),
});

const linesShown = 20;

/** What the container says that failed, or that something can't be begun with. */
async function lastWords(api: KubeApi, { namespace, job }: WaitForStep): Promise<readonly string[]> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = await get(api, `${path}?labelSelector=job-name%3D${job}`, podList);
  const [pod] = items.toSorted((a, b) =>
    a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1,
  );
  if (pod === undefined) return [];
  const all = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses];
  const failed = stepContainers
    .flatMap((name) => all.filter((each) => each.name === name))
    .find(({ name, state: { terminated } }) => name !== "lock" && (terminated?.exitCode ?? 0) !== 0);
  if (failed === undefined) {
    return all.flatMap(({ name, state: { waiting } }) =>
      waiting === undefined || waiting.reason === "PodInitializing"
        ? []
        : [`  ${name}: ${waiting.reason} ${waiting.message}`.trimEnd()],
    );
  }
  const log = await api.askPersistently(
    `${path}/${pod.metadata.name}/log?container=${failed.name}&tailLines=${linesShown}`,
  );
  const lines = log.status === 200 ? log.body.trimEnd().split("\n") : [];
  const { exitCode } = failed.state.terminated ?? {};
  return [`  ${failed.name} ended with ${exitCode ?? "?"}:`, ...lines.map((line) => `    ${line}`)];
}

/** Makes a step's Job that a command has for itself. @throws UnreachableError, ClusterError when it is refused */
export function createOwnStepJob(api: KubeApi, namespace: string, job: StepJob): Promise<void> {
  const metadata = { ...job.metadata, annotations: ownAnnotations() };
  return createObject(api, collection(namespace), { ...job, metadata });
}

/** Ends it with all that runs in it. */
export async function deleteStepJob(api: KubeApi, namespace: string, name: string): Promise<void> {
  await deleteObject(api, `${collection(namespace)}/${name}`, { propagationPolicy: "Background" });
}

/**
 * Ends the Jobs that commands have made for themselves and left, as they were killed.
 * @param prefix of their names
 * @returns their names
 */
export async function deleteLeftStepJobs(
  api: KubeApi,
  namespace: string,
  prefix: string,
): Promise<readonly string[]> {
  const names = namesOfLeft(await listJobs(api, namespace)).filter((name) => name.startsWith(prefix));
  await Promise.all(names.map((name) => deleteStepJob(api, namespace, name)));
  return names;
}

async function get<T>(api: KubeApi, path: string, schema: z.ZodType<T>): Promise<T> {
  const found = await readObject(api, path, schema);
  if (found !== undefined) return found;
  throw new ClusterError(
    `${path}: found nothing in the cluster, though this update believes that it is there; pulumi up --refresh makes it again`,
  );
}

function collection(namespace: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs`;
}
