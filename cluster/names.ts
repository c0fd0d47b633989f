import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";

/** The name of a backend's Service and, for a colour, of all that belongs to it: `frontend-blue`. */
export function backendName(target: RoutedTargetName, backend: Backend): string {
  return `${target}-${backend}`;
}

/** Where users reach a target: `frontend.example.com`. */
export function hostnameOf(target: RoutedTargetName, domain: string): string {
  return `${target}.${domain}`;
}

/** Request header that asks for one backend; answer header that says which one answered. */
export const backendHeader = "x-pyairtable-backend";
/** Answer header that carries the hash of the split. */
export const routeHeader = "x-pyairtable-route";

/** Labels of everything that belongs to one backend. */
export function backendLabels(target: RoutedTargetName, backend: Backend): Record<string, string> {
  return {
    ...targetLabels(target),
    "app.kubernetes.io/instance": backendName(target, backend),
    "pyairtable.dev/backend": backend,
  };
}

export function targetLabels(target: RoutedTargetName): Record<string, string> {
  return { "app.kubernetes.io/name": target, "app.kubernetes.io/part-of": "pyairtable" };
}

/** What tells a service's pods from those that consume its queue. */
export const serviceRole = { "pyairtable.dev/role": "service" };
export const consumerRole = { "pyairtable.dev/role": "consumer" };
