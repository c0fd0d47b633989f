import type { RoutedTargetName } from "../catalog";
import type { LiveRoute } from "../migration";
import { type HttpRoute, fieldManager, httpRoutePath } from "./httpRoute";
import type { KubeApi } from "./kubeApi";
import { ClusterError, liveRouteOf } from "./liveRoutes";

/**
 * Applies a route whole, as Pulumi would, whoever else owns fields of it; asks persistently.
 * @returns the route as the API server has it now
 * @throws UnreachableError, or ClusterError when it is refused
 */
export async function writeRoute(
  api: KubeApi,
  target: RoutedTargetName,
  route: HttpRoute<string>,
): Promise<LiveRoute> {
  const { namespace, name } = route.metadata;
  const answer = await api.askPersistently(
    `${httpRoutePath(namespace, target)}?fieldManager=${fieldManager}&force=true`,
    { method: "PATCH", headers: { "content-type": "application/apply-patch+yaml" }, body: route },
  );
  if (answer.status !== 200 && answer.status !== 201) {
    throw new ClusterError(
      `cluster ${api.name}: found status ${answer.status} for the write of the route ${namespace}/${name}, expected 200: ${answer.body.slice(0, 300)}`,
    );
  }
  return liveRouteOf(target, JSON.parse(answer.body));
}
