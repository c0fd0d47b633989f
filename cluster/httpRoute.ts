import type { RoutedTarget, RoutedTargetName } from "../catalog";
import { BACKENDS, type Backend, type RouteRecord, splitHash, toAnnotations } from "../migration";
import {
  type TargetAddress,
  backendCookie,
  backendHeader,
  backendName,
  routeHeader,
  targetLabels,
} from "./names";

/** Whoever writes a route does it as this one, so that the two roads back never meet in a conflict. */
export const fieldManager = "pyairtable-platform";

/** `Name` is a plain name, or one that is known only once its owner exists. */
export interface HttpRouteArgs<Name> extends TargetAddress {
  readonly target: RoutedTarget;
  readonly namespace: Name;
  /** The Gateway's name. */
  readonly gateway: Name;
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
export function httpRoute<Name>(args: HttpRouteArgs<Name>): HttpRoute<Name> {
  const { target, namespace, gateway, hostname, internalHostname, record, https } = args;
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
    spec: {
      parentRefs: [{ name: gateway }],
      // One split for both: who comes from inside is routed by the same rules.
      hostnames: [hostname, internalHostname],
      rules: rules(target, record, https),
    },
  };
}

/** The path of a target's route in the Kubernetes API. */
export function httpRoutePath(namespace: string, name?: RoutedTargetName): string {
  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  return name === undefined ? routes : `${routes}/${name}`;
}

function rules(target: RoutedTarget, record: RouteRecord, https: boolean): object[] {
  const routeHash = splitHash(target.name, record.split);
  const running = BACKENDS.filter((backend) =>
    backend === "legacy" ? record.legacy === "standby" : record.images[backend] !== undefined,
  );
  const weighted = BACKENDS.filter((backend) => record.split[backend] > 0);
  const keepsUsers = target.workload.kind === "web";
  const timeouts = { request: `${target.longestRequestSeconds}s` };
  const everywhere = { path: { type: "PathPrefix", value: "/" } };
  const filters = [changeHeaders({ set: [{ name: routeHeader, value: routeHash }] })];
  const only = (backend: Backend, header: object): object => ({
    matches: [{ ...everywhere, headers: [header] }],
    filters,
    backendRefs: [backendRef(target, backend, 1)],
    timeouts,
  });
  return [
    // Whoever asks for a backend by header reaches it at the real URL, whatever its weight. Of rules with as many
    // header matches the first one counts, so this holds for users with a cookie too.
    ...running.map((backend) => only(backend, { type: "Exact", name: backendHeader, value: backend })),
    // A user stays with the backend that answered first for as long as it has any weight.
    ...(keepsUsers ? weighted.map((backend) => only(backend, hasCookie(backend))) : []),
    {
      matches: [everywhere],
      filters,
      // All of them, so that whichever gets traffic next is known to the data plane before that.
      backendRefs: BACKENDS.map((backend) => {
        const cookie = keepsUsers && record.split[backend] > 0 ? cookieOf(backend, https) : undefined;
        return backendRef(target, backend, record.split[backend], cookie);
      }),
      timeouts,
    },
  ];
}

/** @param cookie set by the answer; only where no cookie has chosen the backend, so that none is set twice */
function backendRef(target: RoutedTarget, backend: Backend, weight: number, cookie?: string): object {
  const set = [{ name: backendHeader, value: backend }];
  return {
    name: backendName(target.name, backend),
    port: target.port,
    weight,
    filters: [
      changeHeaders(cookie === undefined ? { set } : { set, add: [{ name: "Set-Cookie", value: cookie }] }),
    ],
  };
}

/** Ends with the browser's session, as a user's pages do. */
function cookieOf(backend: Backend, https: boolean): string {
  return `${backendCookie}=${backend}; Path=/; HttpOnly; SameSite=Lax${https ? "; Secure" : ""}`;
}

/** The expression has to match the whole header, in which other cookies stand too. */
function hasCookie(backend: Backend): object {
  return {
    type: "RegularExpression",
    name: "Cookie",
    value: `(.*;\\s*)?${backendCookie}=${backend}(\\s*;.*)?`,
  };
}

function changeHeaders(responseHeaderModifier: object): object {
  return { type: "ResponseHeaderModifier", responseHeaderModifier };
}
