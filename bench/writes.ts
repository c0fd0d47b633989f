import { z } from "zod";
import { KubeApi } from "../cluster/kubeApi";
import { watchObject } from "../cluster/objectWatch";

/** Notices writes of one object's spec, whoever writes. */
export interface WriteWatch {
  /**
   * Epoch ms of the first write of the spec at or after `since` (epoch ms); undefined when there was none.
   * @throws Error when the watch has ended since it was opened
   */
  readonly firstSince: (since: number) => number | undefined;
  readonly close: () => void;
}

const objectSchema = z.object({ metadata: z.object({ generation: z.int() }) });

/**
 * Watches an object of the cluster that KUBECONFIG names. A write counts from when the API server tells of it, which is
 * also when a controller hears of it: it is the same for whatever program wrote.
 * @param collection the path of the list that the object is in
 * @throws Error when the API server doesn't tell of the object as it is
 */
export async function watchWrites(collection: string, name: string): Promise<WriteWatch> {
  const api = await KubeApi.connect();
  const closing = new AbortController();
  const seen: { readonly at: number; readonly generation: number }[] = [];
  let ending: string | undefined;
  await new Promise<void>((resolve, reject) => {
    const onObject = (object: unknown): void => {
      const { generation } = objectSchema.parse(object).metadata;
      // A new status leaves the generation.
      if (seen.at(-1)?.generation !== generation) seen.push({ at: Date.now(), generation });
      resolve();
    };
    watchObject(api, collection, name, onObject, closing.signal).then(
      () => (ending = "the API server closed it"),
      (error: unknown) => {
        ending = String(error);
        reject(new Error(`${collection}: ${name} can't be watched: ${ending}`, { cause: error }));
      },
    );
  });
  return {
    firstSince(since) {
      if (ending !== undefined) throw new Error(`${collection}: the watch of ${name} ended: ${ending}`);
      return seen.find(({ at }, index) => index > 0 && at >= since)?.at;
    },
    close: () => closing.abort(),
  };
}
