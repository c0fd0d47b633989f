import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import type { LiveRoute } from "../migration";
import { httpRoutePath } from "./httpRoute";
import { type KubeApi, UnreachableError } from "./kubeApi";
import { liveRouteOf } from "./liveRoutes";

const millisecondsBetween = 100;

const eventSchema = z.object({ type: z.string(), object: z.unknown() });

/**
 * Tells of a target's route as it is now and whenever it changes, undefined when it is deleted, until `signal` aborts.
 * Connects anew for as long as it takes when the API server goes away.
 */
export async function watchRoute(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
  onRoute: (route: LiveRoute | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = `${httpRoutePath(namespace)}?watch=1&fieldSelector=metadata.name%3D${target}`;
  while (!signal.aborted) {
    try {
      await api.follow(path, (line) => tell(line, target, onRoute), signal);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
    await sleep(millisecondsBetween);
  }
}

function tell(line: string, target: RoutedTargetName, onRoute: (route: LiveRoute | undefined) => void): void {
  const { type, object } = eventSchema.parse(JSON.parse(line));
  if (type === "DELETED") onRoute(undefined);
  // Anything else (an error, a bookmark) comes before the end of a watch, which begins anew with the present state.
  if (type === "ADDED" || type === "MODIFIED") onRoute(liveRouteOf(target, object));
}
