import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../catalog";
import type { LiveRoute } from "../migration";
import { httpRoutePath } from "./httpRoute";
import { type KubeApi, UnreachableError } from "./kubeApi";
import { liveRouteOf } from "./liveRoutes";
import { watchObject } from "./objectWatch";

const millisecondsBetween = 100;

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
  const tell = (object: unknown): void =>
    onRoute(object === undefined ? undefined : liveRouteOf(target, object));
  while (!signal.aborted) {
    try {
      await watchObject(api, httpRoutePath(namespace), target, tell, signal);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
    await sleep(millisecondsBetween);
  }
}
