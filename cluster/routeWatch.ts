import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import type { LiveRoute } from "../migration";
import { httpRoutePath } from "./httpRoute";
import { type KubeApi, UnreachableError } from "./kubeApi";
import { liveRouteOf } from "./liveRoutes";

const millisecondsBetween = 100;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

const eventSchema = z.object({ type: z.string(), object: z.unknown() });

/**
 * Tells of a target's route as it is now and whenever it changes, undefined when there is none, until `signal` aborts.
 * Begins anew for as long as it takes when the API server goes away or breaks a watch off.
 */
export async function watchRoute(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
  onRoute: (route: LiveRoute | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const route = `${httpRoutePath(namespace)}?fieldSelector=metadata.name%3D${target}`;
  while (!signal.aborted) {
    try {
      /*
       * A list first, and the watch from its version on: asked for both in one, an API server waits until its cache has
       * caught up with writes of anything, which takes seconds or fails.
       */
      const { status, body } = await api.ask(route);
      if (isAborted(signal)) return;
      if (status === 200) {
        const { metadata, items } = listSchema.parse(JSON.parse(body));
        const [item] = items;
        onRoute(item === undefined ? undefined : liveRouteOf(target, item));
        await api.follow(
          `${route}&watch=1&resourceVersion=${metadata.resourceVersion}`,
          (line) => tell(line, target, onRoute),
          signal,
        );
      }
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
    await sleep(millisecondsBetween);
  }
}

function tell(line: string, target: RoutedTargetName, onRoute: (route: LiveRoute | undefined) => void): void {
  const { type, object } = eventSchema.parse(JSON.parse(line));
  if (type === "DELETED") onRoute(undefined);
  // Anything else (an error, a bookmark) comes before the end of a watch, after which all begins anew.
  if (type === "ADDED" || type === "MODIFIED") onRoute(liveRouteOf(target, object));
}

/** Asked anew: it may have been aborted during a wait, which a narrowed type doesn't know. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
