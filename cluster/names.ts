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

/** Where releases reach a target: a name that only they know, and no DNS. */
export function internalHostnameOf(target: RoutedTargetName, namespace: string): string {
  return `${target}.${internalDomainOf(namespace)}`;
}

export function internalDomainOf(namespace: string): string {
  return `${namespace}.internal`;
}

/** Where Prometheus, Grafana and what belongs to them run. */
export const monitoringNamespace = "monitoring";

/** What a target's route must know of how it is reached. */
export interface TargetAddress {
  /** Where users reach the target: `frontend.example.com`. */
  readonly hostname: string;
  /** Where releases reach it: `frontend.pyairtable.internal`. */
  readonly internalHostname: string;
  /** Users reach it by HTTPS, so that cookies need not be sent otherwise. */
  readonly https: boolean;
}

/** The same for whoever writes a route, by either road. */
export function addressOf(
  target: RoutedTargetName,
  platform: { readonly domain: string; readonly namespace: string; readonly publicPort: number },
): TargetAddress {
  return {
    hostname: hostnameOf(target, platform.domain),
    internalHostname: internalHostnameOf(target, platform.namespace),
    https: platform.publicPort === 443,
  };
}

/** Request header that asks for one backend; answer header that says which one answered. */
export const backendHeader = "x-pyairtable-backend";
/** Answer header that carries the hash of the split. */
export const routeHeader = "x-pyairtable-route";
/** Cookie that keeps a user on the backend that answered first. */
export const backendCookie = "pyairtable-backend";

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
/** What may reach a target's database beside its backends: the jobs of its schema, and sessions of the command line. */
export const databaseClientRole = { "pyairtable.dev/role": "database-client" };
/** What watches a target's database. */
export const databaseExporterLabels = { "app.kubernetes.io/component": "database-exporter" };
/** A server of a target's database: an instance, or what was made of a backup of one. */
export const databaseRole = { "pyairtable.dev/role": "database" };
