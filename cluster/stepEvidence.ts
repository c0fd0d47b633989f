import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import type { StepEvidence } from "../database/evidence";
import { shortHash } from "../migration/split";
import type { KubeApi } from "./kubeApi";
import { ClusterError } from "./liveRoutes";
import { targetLabels } from "./names";
import { deleteObject, expectStatus } from "./objects";

/** Evidence by target, newest first; a target without any is absent. */
export type StepEvidenceByTarget = ReadonlyMap<RoutedTargetName, readonly StepEvidence[]>;

const label = "pyairtable.dev/step-evidence";
const key = "evidence.json";

const evidenceSchema = z.object({
  image: z.string(),
  before: z.string(),
  after: z.string(),
  kind: z.enum(["expand", "contract"]),
  reversible: z.boolean(),
  backup: z.object({ label: z.string(), finishedAt: z.string() }),
  preparedAt: z.string(),
  takingBackSince: z.string().optional(),
  seconds: z.number(),
  statements: z.array(
    z.object({ statement: z.string(), calls: z.number(), seconds: z.number(), rows: z.number() }),
  ),
  locks: z.array(z.object({ relation: z.string(), mode: z.string() })),
  tables: z.array(z.object({ table: z.string(), rows: z.number(), checksum: z.string() })),
}) satisfies z.ZodType<StepEvidence>;

const listSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
      data: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

/** All that `cutover migrate --prepare` has left, with one LIST. @throws UnreachableError, ClusterError */
export async function readStepEvidence(api: KubeApi, namespace: string): Promise<StepEvidenceByTarget> {
  const path = `${collection(namespace)}?labelSelector=${label}`;
  const answer = await api.ask(path);
  expectStatus(api, path, answer, 200);
  const { items } = listSchema.parse(JSON.parse(answer.body));
  const found = new Map<RoutedTargetName, readonly StepEvidence[]>();
  for (const target of routedTargets) {
    const of = items
      .filter(({ metadata }) => metadata.labels[label] === target)
      .map(({ metadata, data }) => parse(api, metadata.name, data[key]));
    of.sort((a, b) => (a.preparedAt < b.preparedAt ? 1 : -1));
    if (of.length > 0) found.set(target, of);
  }
  return found;
}

/** In place of what was known of this step for this schema. @throws UnreachableError, ClusterError */
export async function writeStepEvidence(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
  evidence: StepEvidence,
): Promise<void> {
  const name = nameOf(target, evidence);
  const path = `${collection(namespace)}/${name}?fieldManager=cutover&force=true`;
  const answer = await api.askPersistently(path, {
    method: "PATCH",
    headers: { "content-type": "application/apply-patch+yaml" },
    body: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace, labels: { ...targetLabels(target), [label]: target } },
      data: { [key]: JSON.stringify(evidence, undefined, 2) },
    },
  });
  expectStatus(api, path, answer, 200, 201);
}

/** Once the step is taken back. @throws UnreachableError, ClusterError */
export async function deleteStepEvidence(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
  evidence: StepEvidence,
): Promise<void> {
  await deleteObject(api, `${collection(namespace)}/${nameOf(target, evidence)}`);
}

function parse(api: KubeApi, name: string, text: string | undefined): StepEvidence {
  try {
    return evidenceSchema.parse(JSON.parse(text ?? ""));
  } catch {
    throw new ClusterError(
      `cluster ${api.name}: found a ConfigMap ${name} that is no evidence of a step, expected what cutover migrate --prepare writes: delete it, and prepare the step again`,
    );
  }
}

function collection(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

function nameOf(target: RoutedTargetName, { image, before }: StepEvidence): string {
  return `${target}-step-${shortHash([image, before])}`;
}
