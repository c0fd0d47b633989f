import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type KubeApi, UnreachableError } from "../../cluster/kubeApi";
import { reason } from "../../cluster/thrown";

/** Changes come in flocks: one look is enough for all of them. */
const settleMs = 200;
const retryMs = 1000;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

/**
 * Tells of several lists as they are now, and again whenever any of them changes, until `signal` aborts. Begins anew
 * for as long as it takes when the API server goes away.
 * @param paths of lists, each with a query
 */
export async function watchLists(
  api: KubeApi,
  paths: readonly string[],
  onLists: (lists: readonly (readonly unknown[])[]) => Promise<void>,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const lists = await Promise.all(paths.map((path) => readList(api, path)));
      await onLists(lists.map(({ items }) => items));
      await untilChange(
        api,
        paths.map((path, index) => `${path}&watch=1&resourceVersion=${lists[index]?.version ?? ""}`),
        signal,
      );
      await sleep(settleMs);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      log(reason(error));
      await sleep(retryMs);
    }
  }
}

async function readList(
  api: KubeApi,
  path: string,
): Promise<{ readonly version: string; readonly items: unknown[] }> {
  const { status, body } = await api.ask(path);
  if (status !== 200) {
    throw new UnreachableError(`cluster ${api.name}: found status ${status} for ${path}, expected 200`);
  }
  const { metadata, items } = listSchema.parse(JSON.parse(body));
  return { version: metadata.resourceVersion, items };
}

/** Returns when any of the watches tells something or ends. */
async function untilChange(api: KubeApi, watches: readonly string[], signal: AbortSignal): Promise<void> {
  const changed = new AbortController();
  const either = AbortSignal.any([signal, changed.signal]);
  await Promise.all(
    watches.map((path) => api.follow(path, () => changed.abort(), either).finally(() => changed.abort())),
  );
}
