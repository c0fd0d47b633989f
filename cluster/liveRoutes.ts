import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { BACKENDS, type LiveRoute, fromRoute } from "../migration";
import { backendName } from "./names";
import { type KubeApi, reason } from "./kubeApi";

/** The cluster answers, but not as one that this program can work with. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
}

const routeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
      spec: z.object({
        rules: z
          .array(
            z.object({
              matches: z.array(z.object({ headers: z.array(z.unknown()).optional() })).optional(),
              backendRefs: z.array(z.object({ name: z.string(), weight: z.int().default(1) })).default([]),
            }),
          )
          .default([]),
      }),
    }),
  ),
});

type Route = z.infer<typeof routeList>["items"][number];

/**
 * The routes as they are now, with one LIST; a target without a route is absent.
 * @throws UnreachableError, or ClusterError when the cluster has no Gateway API or refuses the read
 */
export async function readLiveRoutes(
  api: KubeApi,
  namespace: string,
): Promise<ReadonlyMap<RoutedTargetName, LiveRoute>> {
  const answer = await api.ask(`/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`);
  if (answer.status === 404) {
    throw new ClusterError(
      `cluster ${api.name}: found no HTTPRoute type, expected the Gateway API's standard CRDs (gateway.networking.k8s.io/v1) to be installed`,
    );
  }
  if (answer.status !== 200) {
    throw new ClusterError(
      `cluster ${api.name}: found status ${answer.status} for the list of routes in ${namespace}, expected 200: ${answer.body.slice(0, 300)}`,
    );
  }
  const { items } = parseRoutes(api, answer.body);
  return new Map(
    routedTargets.flatMap((target) => {
      const route = items.find(({ metadata }) => metadata.name === target);
      return route ? [[target, liveRoute(target, route)] as const] : [];
    }),
  );
}

function parseRoutes(api: KubeApi, body: string): z.infer<typeof routeList> {
  try {
    return routeList.parse(JSON.parse(body));
  } catch (error) {
    throw new ClusterError(`cluster ${api.name}: found no list of routes in its answer: ${reason(error)}`);
  }
}

function liveRoute(target: RoutedTargetName, { metadata, spec }: Route): LiveRoute {
  // The rule without a header match is the one that users meet.
  const users = spec.rules.find(
    ({ matches }) => matches?.every(({ headers }) => headers === undefined) ?? true,
  );
  const weights = { legacy: 0, blue: 0, green: 0 };
  for (const { name, weight } of users?.backendRefs ?? []) {
    const backend = BACKENDS.find((known) => backendName(target, known) === name);
    if (backend === undefined) return { tampered: `its backend ${name} is none of this target's` };
    weights[backend] += weight;
  }
  return fromRoute(target, weights, metadata.annotations);
}
