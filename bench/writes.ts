import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { KubeApi } from "../cluster/kubeApi";

/** Notices writes of one object's spec, whoever writes. */
export interface WriteWatch {
  /**
   * Epoch ms of the first write of the spec at or after `since` (epoch ms); undefined when there was none.
   * @throws Error when the watch has ended since it was opened
   */
  readonly firstSince: (since: number) => number | undefined;
  readonly close: () => void;
}

const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const objectSchema = z.object({ metadata: z.object({ generation: z.int() }) });

const tries = 5;
const millisecondsBetween = 200;

/**
 * Watches an object of the cluster that KUBECONFIG names. A write counts from when the API server tells of it, which is
 * also when a controller hears of it: it is the same for whatever program wrote.
 * @param collection the path of the list that the object is in
 * @throws Error when the API server doesn't tell of the object as it is
 */
export async function watchWrites(collection: string, name: string): Promise<WriteWatch> {
  const api = await KubeApi.connect();
  // Version 0 begins with what the API server's cache holds; without it the server first waits for the cache to catch up
  // with writes of anything, for seconds, and then gives up.
  const path = `${collection}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3D${name}`;
  let problem = "";
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const watch = await openWatch(api, path);
    if (typeof watch !== "string") return watch;
    // An API server whose cache hasn't caught up with its store says so in place of the object.
    problem = watch;
    await sleep(millisecondsBetween);
  }
  throw new Error(`${path}: found ${problem} after ${tries} tries, expected the object ${name}`);
}

/** The watch once the object as it is was told, or why there is none. */
function openWatch(api: KubeApi, path: string): Promise<WriteWatch | string> {
  return new Promise((resolve) => {
    const closing = new AbortController();
    const seen: { readonly at: number; readonly generation: number }[] = [];
    let problem: string | undefined;
    const watch: WriteWatch = {
      firstSince(since) {
        if (problem !== undefined) throw new Error(`${path}: the watch ended: ${problem}`);
        return seen.find(({ at }, index) => index > 0 && at >= since)?.at;
      },
      close: () => closing.abort(),
    };
    const onLine = (line: string): void => {
      const { type, object } = eventSchema.parse(JSON.parse(line));
      if (type !== "ADDED" && type !== "MODIFIED") {
        problem = line;
        return;
      }
      const { generation } = objectSchema.parse(object).metadata;
      // A new status leaves the generation.
      if (seen.at(-1)?.generation !== generation) seen.push({ at: Date.now(), generation });
      resolve(watch);
    };
    api
      .follow(path, onLine, closing.signal)
      .catch((error: unknown) => (problem ??= String(error)))
      .finally(() => resolve((problem ??= "the end of the watch")));
  });
}
