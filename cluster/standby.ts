import { z } from "zod";
import type { RoutedTarget } from "../catalog";
import { BACKENDS, type Backend, type Color } from "../migration";
import { type KubeApi, ask } from "./kubeApi";
import { reason } from "./thrown";
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
  const [asked, slices] = await Promise.all([askLegacy(args), readSlices(api, args)]);
  if (slices === undefined) {
    const unknown: Standby = { fitness: "unknown", detail: "its endpoints can't be read" };
    return { legacy: asked, blue: unknown, green: unknown };
  }
  return {
    legacy: slices.some(({ metadata }) => isOf(metadata, args, "legacy")) ? asked : unroutable(args),
    blue: colorIn(slices, args, "blue"),
    green: colorIn(slices, args, "green"),
  };
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

type Slice = z.infer<typeof endpointSlices>["items"][number];

const serviceLabel = "kubernetes.io/service-name";

/** Of all backends; undefined where they can't be read. */
async function readSlices(
  api: KubeApi,
  { target, namespace }: StandbyArgs,
): Promise<readonly Slice[] | undefined> {
  const names = BACKENDS.map((backend) => backendName(target.name, backend)).join(",");
  const selector = encodeURIComponent(`${serviceLabel} in (${names})`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  const { status, body } = await api.askPersistently(path);
  return status === 200 ? endpointSlices.parse(JSON.parse(body)).items : undefined;
}

function colorIn(slices: readonly Slice[], args: StandbyArgs, color: Color): Standby {
  const ready = slices
    .filter(({ metadata }) => isOf(metadata, args, color))
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions.ready !== false).length;
  const fitness = ready >= args.capacity ? "ready" : ready > 0 ? "short" : "down";
  return { fitness, detail: `${ready} of ${args.capacity} replicas of ${color} are ready` };
}

/** Whatever legacy answers, the proxy can't reach it: so it is with what version 0.1.0 has retired. */
function unroutable({ target }: StandbyArgs): Standby {
  const name = backendName(target.name, "legacy");
  const detail = `the cluster has no Service ${name}, expected one before legacy gets traffic: pulumi up makes it`;
  return { fitness: "down", detail };
}

function isOf({ labels }: Slice["metadata"], { target }: StandbyArgs, backend: Backend): boolean {
  return labels[serviceLabel] === backendName(target.name, backend);
}
