import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { BACKENDS, type LiveRoute, type Split, fromRoute } from "../migration";
import { httpRoutePath } from "./httpRoute";
import { backendName } from "./names";
import { type KubeApi } from "./kubeApi";
import { reason } from "./thrown";

/** The cluster answers, but not as one that this program can work with. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
}

const routeSchema = z.object({
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
});

const routeList = z.object({ items: z.array(routeSchema) });

/**
 * The routes as they are now, with one LIST; a target without a route is absent.
 * @throws UnreachableError, or ClusterError when the cluster has no Gateway API or refuses the read
 */
export async function readLiveRoutes(
  api: KubeApi,
  namespace: string,
): Promise<ReadonlyMap<RoutedTargetName, LiveRoute>> {
  const answer = await api.ask(httpRoutePath(namespace));
  if (answer.status === 404) {
    throw new ClusterError(
      `cluster ${api.name}: found no HTTPRoute type, expected the Gateway API's standard CRDs (gateway.networking.k8s.io/v1) to be installed`,
    );
  }
  if (answer.status === 401) {
    throw new ClusterError(
      `cluster ${api.name}: found credentials that it doesn't accept (status 401), expected the kubeconfig's to be valid: log in again, they may have expired; nothing was changed`,
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
      return route ? [[target, interpret(target, route)] as const] : [];
    }),
  );
}

/**
 * One target's route as it is now; undefined without one. Asks persistently.
 * @throws UnreachableError, or ClusterError when the cluster refuses the read
 */
export async function readLiveRoute(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
): Promise<LiveRoute | undefined> {
  const answer = await api.askPersistently(httpRoutePath(namespace, target));
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) {
    throw new ClusterError(
      `cluster ${api.name}: found status ${answer.status} for the route of ${target} in ${namespace}, expected 200: ${answer.body.slice(0, 300)}`,
    );
  }
  return liveRouteOf(target, JSON.parse(answer.body));
}

/** The live weights alone, whatever the annotations say; undefined if they are no split. Asks persistently. */
export async function readWeights(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
): Promise<Split | undefined> {
  const { status, body } = await api.askPersistently(httpRoutePath(namespace, target));
  if (status !== 200) return undefined;
  const weights = weightsOf(target, routeSchema.parse(JSON.parse(body)).spec);
  if (typeof weights === "string") return undefined;
  return weights.legacy + weights.blue + weights.green === 100 ? weights : undefined;
}

/** What an HTTPRoute, as the API server tells it, says about its target. */
export function liveRouteOf(target: RoutedTargetName, route: unknown): LiveRoute {
  return interpret(target, routeSchema.parse(route));
}

function parseRoutes(api: KubeApi, body: string): z.infer<typeof routeList> {
  try {
    return routeList.parse(JSON.parse(body));
  } catch (error) {
    throw new ClusterError(`cluster ${api.name}: found no list of routes in its answer: ${reason(error)}`);
  }
}

function interpret(target: RoutedTargetName, { metadata, spec }: z.infer<typeof routeSchema>): LiveRoute {
  const weights = weightsOf(target, spec);
  if (typeof weights === "string") return { tampered: weights };
  return fromRoute(target, weights, metadata.annotations);
}

/** By backend, or why there are none. */
function weightsOf(target: RoutedTargetName, { rules }: z.infer<typeof routeSchema>["spec"]): Split | string {
  // The rule without a header match is the one that users meet.
  const users = rules.find(({ matches }) => matches?.every(({ headers }) => headers === undefined) ?? true);
  const weights = { legacy: 0, blue: 0, green: 0 };
  for (const { name, weight } of users?.backendRefs ?? []) {
    const backend = BACKENDS.find((known) => backendName(target, known) === name);
    if (backend === undefined) return `its backend ${name} is none of this target's`;
    weights[backend] += weight;
  }
  return weights;
}
