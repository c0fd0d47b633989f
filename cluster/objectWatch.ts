import { z } from "zod";
import { type KubeApi, UnreachableError } from "./kubeApi";

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

const eventSchema = z.object({ type: z.string(), object: z.unknown() });

/**
 * Tells of one object as it is now and whenever it changes, undefined when there is none, until the API server ends the
 * watch or `signal` aborts.
 * @param collection the path of the list that the object is in
 * @throws UnreachableError without an answer of status 200, or when the API server breaks the watch off
 */
export async function watchObject(
  api: KubeApi,
  collection: string,
  name: string,
  onObject: (object: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  /*
   * A list first, and the watch from its version on: asked for both in one, an API server waits until its cache has
   * caught up with writes of anything, which takes seconds or fails.
   */
  const list = `${collection}?fieldSelector=metadata.name%3D${name}`;
  const { status, body } = await api.ask(list);
  if (signal.aborted) return;
  if (status !== 200) {
    throw new UnreachableError(`cluster ${api.name}: found status ${status} for ${list}, expected 200`);
  }
  const { metadata, items } = listSchema.parse(JSON.parse(body));
  onObject(items[0]);
  await api.follow(
    `${list}&watch=1&resourceVersion=${metadata.resourceVersion}`,
    (line) => {
      const { type, object } = eventSchema.parse(JSON.parse(line));
      if (type === "ERROR") throw new Error(`the watch was broken off: ${line}`);
      if (type === "DELETED") onObject(undefined);
      if (type === "ADDED" || type === "MODIFIED") onObject(object);
    },
    signal,
  );
}
