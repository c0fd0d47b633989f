import { setTimeout as sleep } from "node:timers/promises";
import type { ZodType } from "zod";
import type { Answer, KubeApi, Question } from "./kubeApi";
import { ClusterError } from "./liveRoutes";

/** What the API server has at a path, undefined for nothing. @throws UnreachableError, ClusterError */
export async function readObject<T>(api: KubeApi, path: string, schema: ZodType<T>): Promise<T | undefined> {
  const answer = await api.askPersistently(path);
  if (answer.status === 404) return undefined;
  expectStatus(api, path, answer, 200);
  return schema.parse(JSON.parse(answer.body));
}

/** @param collection the path that the object is listed under. @throws UnreachableError, ClusterError when it is refused */
export async function createObject(api: KubeApi, collection: string, body: object): Promise<void> {
  // Once: a second attempt would find what the first made.
  expectStatus(api, collection, await api.ask(collection, { method: "POST", body }), 201);
}

/** Merges `body` into an object. @throws UnreachableError, ClusterError when it is refused */
export async function patchObject(api: KubeApi, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/merge-patch+json" };
  expectStatus(api, path, await api.askPersistently(path, { method: "PATCH", headers, body }), 200);
}

/** Orders the deletion; nothing there is as good. @returns whether it is gone */
export async function deleteObject(api: KubeApi, path: string, body?: Question["body"]): Promise<boolean> {
  const answer = await api.askPersistently(path, { method: "DELETE", body });
  if (answer.status === 404) return true;
  expectStatus(api, path, answer, 200, 202);
  return false;
}

const goneWithinSeconds = 60;

/**
 * Deletes it, and waits until it is gone; nothing there is as good.
 * @param graceSeconds what runs in it gets to end by itself
 * @throws UnreachableError, ClusterError, or Error when it is still there a minute after that
 */
export async function deleteUntilGone(api: KubeApi, path: string, graceSeconds: number): Promise<void> {
  const deadline = Date.now() + (graceSeconds + goneWithinSeconds) * 1000;
  while (!(await deleteObject(api, path, { gracePeriodSeconds: graceSeconds }))) {
    if (Date.now() > deadline) {
      throw new Error(
        `${path}: found it still there after ${graceSeconds + goneWithinSeconds} s, expected it deleted`,
      );
    }
    await sleep(250);
  }
}

/** @throws ClusterError for another answer than was expected */
export function expectStatus(
  api: KubeApi,
  path: string,
  { status, body }: Answer,
  ...expected: readonly number[]
): void {
  if (expected.includes(status)) return;
  throw new ClusterError(
    `cluster ${api.name}: found status ${status} for ${path}, expected ${expected.join(" or ")}: ${body.slice(0, 300)}`,
  );
}
