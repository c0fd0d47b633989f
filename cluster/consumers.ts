import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTarget } from "../catalog";
import { backendName, consumerRole } from "./names";
import { type Backend, COLORS, type Color } from "../migration";
import { type KubeApi, ask } from "./kubeApi";

const stopWithinSeconds = 60;
const secondsBetween = 0.2;

/**
 * Tells the monorepo's container to consume or not to, and believes only its own answer. It switches by
 * `PUT /consumer {"consuming": …}` and answers when it has.
 */
export async function switchLegacyConsumer(
  target: RoutedTarget,
  host: string,
  consuming: boolean,
): Promise<void> {
  const url = new URL("/consumer", `http://${host}:${target.legacyPort}`);
  const before = await ask(url);
  if (isConsuming(before.body) === consuming) return;
  const answer = await ask(url, { method: "PUT", body: { consuming }, timeoutSeconds: stopWithinSeconds });
  if (answer.status !== 200 || isConsuming(answer.body) !== consuming) {
    throw new Error(
      `pyairtable:${target.name}: legacy was told ${consuming ? "to consume" : "to stop consuming"}; found status ${answer.status} ${answer.body.slice(0, 200)}, expected {"consuming": ${String(consuming)}}`,
    );
  }
}

function isConsuming(body: string): boolean | undefined {
  try {
    return z.object({ consuming: z.boolean() }).safeParse(JSON.parse(body)).data?.consuming;
  } catch {
    return undefined;
  }
}

export interface ConfirmArgs {
  readonly target: RoutedTarget;
  readonly namespace: string;
  /** The one that may go on. */
  readonly consumer: Backend;
  /** The colours that this update keeps; another one's consumer is deleted here, before the update gets to it. */
  readonly declared: readonly Color[];
  /** @default 60 */
  readonly withinSeconds?: number;
}

/** Waits until no colour but `consumer` has a consuming pod. @throws Error naming the pods that are left */
export async function confirmOthersStopped(api: KubeApi, args: ConfirmArgs): Promise<void> {
  const { target, consumer, declared, withinSeconds = stopWithinSeconds } = args;
  for (const color of COLORS.filter((each) => each !== consumer && !declared.includes(each))) {
    await deleteConsumer(api, args, color);
  }
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    const pods = await consumingPods(api, args);
    if (pods.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `pyairtable:${target.name}: ${pods.join(", ")} still consumes after ${withinSeconds} s, expected none but ${consumer} to; no other consumer was started`,
      );
    }
    await sleep(secondsBetween * 1000);
  }
}

async function deleteConsumer(api: KubeApi, { target, namespace }: ConfirmArgs, color: Color): Promise<void> {
  const deployment = `${backendName(target.name, color)}-consumer`;
  const { status } = await api.ask(`/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`, {
    method: "DELETE",
  });
  if (![200, 202, 404].includes(status)) {
    throw new Error(`found status ${status} for the deletion of ${deployment}, expected 200 or 404`);
  }
}

const podList = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }) }),
  ),
});

async function consumingPods(api: KubeApi, { target, namespace, consumer }: ConfirmArgs): Promise<string[]> {
  const selector = new URLSearchParams({
    labelSelector: Object.entries({ "app.kubernetes.io/name": target.name, ...consumerRole })
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  });
  const answer = await api.ask(`/api/v1/namespaces/${namespace}/pods?${selector.toString()}`);
  if (answer.status !== 200)
    throw new Error(`found status ${answer.status} for the list of consuming pods, expected 200`);
  return podList
    .parse(JSON.parse(answer.body))
    .items.filter(({ metadata }) => metadata.labels["pyairtable.dev/backend"] !== consumer)
    .map(({ metadata }) => metadata.name);
}
