import { z } from "zod";
import type { RoutedTarget } from "../catalog";
import { type Backend, COLORS, type Color } from "../migration";
import { type KubeApi, ask, reason } from "./kubeApi";
import { backendName } from "./names";

/** How well a backend could take all traffic at this moment, best first. */
export const fitnesses = ["ready", "short", "unknown", "down"] as const;

/**
 * `ready`: at full capacity. `short`: serves, with fewer replicas than that. `unknown`: can't be asked from here.
 * `down`: doesn't serve.
 */
export type Fitness = (typeof fitnesses)[number];

export interface Standby {
  readonly fitness: Fitness;
  /** `1 of 2 replicas are ready` */
  readonly detail: string;
}

/** Whether it may be given traffic at once. A retired one may have been stopped, so that it must be seen to serve. */
export function canTake({ fitness }: Standby, isRetired: boolean): boolean {
  return isRetired ? fitness === "ready" : fitness !== "down";
}

export interface StandbyArgs {
  readonly target: RoutedTarget;
  readonly namespace: string;
  readonly legacyHost: string;
  /** Replicas that count as full capacity. */
  readonly capacity: number;
}

/** Legacy is asked directly, which may not be possible from here: a short wait, because users are waiting too. */
const legacyTimeoutSeconds = 1;

/** How well each backend of a target could take all its traffic, without waiting for any to become ready. */
export async function readStandbys(api: KubeApi, args: StandbyArgs): Promise<Record<Backend, Standby>> {
  const [legacy, colors] = await Promise.all([askLegacy(args), askColors(api, args)]);
  return { legacy, ...colors };
}

async function askLegacy({ target, legacyHost }: StandbyArgs): Promise<Standby> {
  const url = new URL(target.probes.readiness.path, `http://${legacyHost}:${target.legacyPort}`);
  try {
    const { status } = await ask(url, { timeoutSeconds: legacyTimeoutSeconds });
    const detail = `legacy answers ${url.pathname} with ${status}`;
    return { fitness: status < 400 ? "ready" : "down", detail };
  } catch (error) {
    const isRefused = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
    return { fitness: isRefused ? "down" : "unknown", detail: `legacy at ${url.host}: ${reason(error)}` };
  }
}

const endpointSlices = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      endpoints: z.array(z.object({ conditions: z.object({ ready: z.boolean().optional() }) })).nullish(),
    }),
  ),
});

const serviceLabel = "kubernetes.io/service-name";

async function askColors(
  api: KubeApi,
  { target, namespace, capacity }: StandbyArgs,
): Promise<Record<Color, Standby>> {
  const names = COLORS.map((color) => backendName(target.name, color)).join(",");
  const selector = encodeURIComponent(`${serviceLabel} in (${names})`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  const answer = await api.askPersistently(path);
  if (answer.status !== 200) {
    const unknown: Standby = { fitness: "unknown", detail: `status ${answer.status} for its endpoints` };
    return { blue: unknown, green: unknown };
  }
  const { items } = endpointSlices.parse(JSON.parse(answer.body));
  const standby = (color: Color): Standby => {
    const ready = items
      .filter(({ metadata }) => metadata.labels[serviceLabel] === backendName(target.name, color))
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions.ready !== false).length;
    const fitness = ready >= capacity ? "ready" : ready > 0 ? "short" : "down";
    return { fitness, detail: `${ready} of ${capacity} replicas of ${color} are ready` };
  };
  return { blue: standby("blue"), green: standby("green") };
}
