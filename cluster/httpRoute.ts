import type { RoutedTarget, RoutedTargetName } from "../catalog";
import { BACKENDS, type Backend, type RouteRecord, splitHash, toAnnotations } from "../migration";
import { backendHeader, backendName, routeHeader, targetLabels } from "./names";

/** Whoever writes a route does it as this one, so that the two roads back never meet in a conflict. */
export const fieldManager = "pyairtable-platform";

/** `Name` is a plain name, or one that is known only once its owner exists. */
export interface HttpRouteArgs<Name> {
  readonly target: RoutedTarget;
  readonly namespace: Name;
  /** The Gateway's name. */
  readonly gateway: Name;
  /** Where users reach the target: `frontend.example.com`. */
  readonly hostname: string;
  /** The split, and what the route says about how it came to be. */
  readonly record: RouteRecord;
}

export interface HttpRoute<Name> {
  readonly apiVersion: "gateway.networking.k8s.io/v1";
  readonly kind: "HTTPRoute";
  readonly metadata: {
    readonly name: string;
    readonly namespace: Name;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly parentRefs: readonly { readonly name: Name }[];
    readonly hostnames: readonly string[];
    readonly rules: readonly object[];
  };
}

/** The route of a target, whole, as either road applies it. */
export function httpRoute<Name>({
  target,
  namespace,
  gateway,
  hostname,
  record,
}: HttpRouteArgs<Name>): HttpRoute<Name> {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: target.name,
      namespace,
      labels: targetLabels(target.name),
      annotations: {
        ...toAnnotations(record),
        // The rules have judged who may change the route: whoever else owns its weights must not stop a way back.
        "pulumi.com/patchForce": "true",
        "pulumi.com/patchFieldManager": fieldManager,
      },
    },
    spec: { parentRefs: [{ name: gateway }], hostnames: [hostname], rules: rules(target, record) },
  };
}

/** The path of a target's route in the Kubernetes API. */
export function httpRoutePath(namespace: string, name?: RoutedTargetName): string {
  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  return name === undefined ? routes : `${routes}/${name}`;
}

function rules(target: RoutedTarget, record: RouteRecord): object[] {
  const routeHash = splitHash(target.name, record.split);
  const running = BACKENDS.filter((backend) =>
    backend === "legacy" ? record.legacy === "standby" : record.images[backend] !== undefined,
  );
  const named = BACKENDS.filter((backend) => backend !== "legacy" || record.legacy === "standby");
  const timeouts = { request: `${target.longestRequestSeconds}s` };
  const everywhere = { path: { type: "PathPrefix", value: "/" } };
  return [
    // Whoever asks for a backend by header reaches it at the real URL, whatever its weight.
    ...running.map((backend) => ({
      matches: [{ ...everywhere, headers: [{ type: "Exact", name: backendHeader, value: backend }] }],
      filters: [setHeader(routeHeader, routeHash)],
      backendRefs: [backendRef(target, backend, 1)],
      timeouts,
    })),
    {
      matches: [everywhere],
      filters: [setHeader(routeHeader, routeHash)],
      backendRefs: named.map((backend) => backendRef(target, backend, record.split[backend])),
      timeouts,
    },
  ];
}

function backendRef(target: RoutedTarget, backend: Backend, weight: number): object {
  return {
    name: backendName(target.name, backend),
    port: target.port,
    weight,
    filters: [setHeader(backendHeader, backend)],
  };
}

function setHeader(name: string, value: string): object {
  return { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name, value }] } };
}
