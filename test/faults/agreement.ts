import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../../catalog";
import { type KubeApi, ask } from "../../cluster/kubeApi";
import { readLiveRoutes } from "../../cluster/liveRoutes";
import { backendName, hostnameOf, routeHeader } from "../../cluster/names";
import { parseStackFile } from "../../config/stackFile";
import type { StackConfig } from "../../config/parse";
import { type StackState, parseStackState } from "../../cutover/stackState";
import { readUpdateLock } from "../../cutover/updateLock";
import { projectName, stackName } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { pulumiStateDir } from "../../local/paths";
import { gatewayAddress } from "../../local/platform/gateway";
import { COLORS, formatSplit, isTampered, splitHash } from "../../migration";
import { parseOutputs } from "../../stack/outputs";

export const namespace = "pyairtable";

const checkpointSchema = z.object({
  version: z.number(),
  checkpoint: z.object({ latest: z.object({}).loose().nullish() }),
});

/** The stack's state, from the backend's file: asking Pulumi takes a second. */
export function readState(): StackState {
  const file = path.join(pulumiStateDir, ".pulumi", "stacks", projectName, `${stackName}.json`);
  const { version, checkpoint } = checkpointSchema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  return parseStackState({ version, deployment: checkpoint.latest ?? {} });
}

/** What the last successful update left of a target: `legacy 100`; undefined while the file is being written. */
export function appliedSplit(target: RoutedTargetName): string | undefined {
  try {
    const split = parseOutputs(readState().outputs).splits.get(target);
    return split && formatSplit(split);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function stackLock(): ReturnType<typeof readUpdateLock> {
  return readUpdateLock({ backendUrl: `file://${pulumiStateDir}`, project: projectName, stack: stackName });
}

/** Everything in which file, git, state, cluster and data plane differ; empty when they agree. */
export async function disagreements(stack: LocalStack, api: KubeApi): Promise<string[]> {
  const config = parseStackFile(stack.readStackFile());
  const state = readState();
  const applied = parseOutputs(state.outputs).splits;
  const [live, served, deployments, dirty] = await Promise.all([
    readLiveRoutes(api, namespace),
    Promise.all(routedTargets.map(servedHash)),
    readDeployments(api),
    stack.git("status", "--porcelain"),
  ]);
  const found = routedTargets.flatMap((target, index) => {
    const { split } = config.targets[target];
    const wanted = formatSplit(split);
    const route = live.get(target);
    const inState = applied.get(target);
    return [
      differs(`${target} in the state`, inState ? formatSplit(inState) : "nothing", wanted),
      differs(`${target}'s route`, routeText(route), wanted),
      differs(`${target}'s route as served`, served[index] ?? "none", splitHash(target, split)),
      ...COLORS.map((color) => capacityProblem(config, deployments, target, color)),
    ];
  });
  const lock = stackLock();
  return [
    ...found,
    differs("git status", dirty.trim(), ""),
    differs("pending operations", state.pendingOperations.map(({ urn }) => urn).join(", "), ""),
    differs("lock", lock === undefined ? "none" : JSON.stringify(lock), "none"),
  ].filter((text) => text !== undefined);
}

/** A kubelet that has just come up again takes every pod for unready until it has asked it; in milliseconds. */
const settledWithinMs = 30_000;

/** File, state and cluster agree, at once or as soon as pods are ready again. */
export async function assertAgreed(stack: LocalStack, api: KubeApi): Promise<void> {
  const deadline = Date.now() + settledWithinMs;
  let found = await disagreements(stack, api);
  while (found.length > 0 && Date.now() < deadline) {
    await sleep(500);
    found = await disagreements(stack, api);
  }
  assert.deepEqual(found, []);
}

function differs(what: string, found: string, expected: string): string | undefined {
  return found === expected ? undefined : `${what}: found ${found}, expected ${expected}`;
}

function routeText(
  route: Awaited<ReturnType<typeof readLiveRoutes>> extends ReadonlyMap<string, infer R>
    ? R | undefined
    : never,
): string {
  if (route === undefined) return "none";
  return isTampered(route) ? `tampered: ${route.tampered}` : formatSplit(route.split);
}

/** The hash that the gateway answers with. */
async function servedHash(target: RoutedTargetName): Promise<string | undefined> {
  const { headers } = await ask(new URL(`http://${gatewayAddress}/`), {
    headers: { host: hostnameOf(target, "localhost") },
  });
  const hash = headers[routeHeader];
  return typeof hash === "string" ? hash : undefined;
}

const deploymentList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      spec: z.object({ replicas: z.int() }),
      status: z.object({ availableReplicas: z.int().default(0) }),
    }),
  ),
});

export interface Replicas {
  readonly wanted: number;
  readonly ready: number;
}

/** By Deployment. */
export async function readDeployments(api: KubeApi): Promise<ReadonlyMap<string, Replicas>> {
  const { body } = await api.ask(`/apis/apps/v1/namespaces/${namespace}/deployments`);
  return new Map(
    deploymentList
      .parse(JSON.parse(body))
      .items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec, status }) => [
        metadata.name,
        { wanted: spec.replicas, ready: status.availableReplicas },
      ]),
  );
}

/** A colour that is in the file runs at full capacity, with traffic or without; one that isn't doesn't run. */
function capacityProblem(
  config: StackConfig,
  deployments: ReadonlyMap<string, Replicas>,
  target: RoutedTargetName,
  color: (typeof COLORS)[number],
): string | undefined {
  const { images, capacity } = config.targets[target];
  const name = backendName(target, color);
  const ready = deployments.get(name)?.ready;
  if (images[color] === undefined)
    return ready === undefined ? undefined : `${name}: found a Deployment, expected none`;
  return (ready ?? 0) >= capacity ? undefined : `${name}: found ${ready ?? 0} ready, expected ${capacity}`;
}
