import type { types } from "@pulumi/kubernetes";
import type { RoutedTargetName } from "../catalog";

/** How a release reaches the targets that it calls: by name, through the gateway, so that their splits hold for it. */
export interface InternalCalls {
  readonly gateway: {
    /** IPv4 address where pods reach the gateway. */
    readonly address: string;
    readonly port: number;
  };
  /** The internal name of each target called. */
  readonly names: Readonly<Partial<Record<RoutedTargetName, string>>>;
}

/** The URL of each target called, as an environment variable: `AUTH_SERVICE_URL`. */
export function callSettings({ gateway, names }: InternalCalls): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([target, name]) => [
      `${target.toUpperCase().replaceAll("-", "_")}_URL`,
      `http://${name}:${gateway.port}`,
    ]),
  );
}

/** What makes the names resolve in a pod: no DNS server has to know them. */
export function callAliases({
  gateway,
  names,
}: InternalCalls): Pick<types.input.core.v1.PodSpec, "hostAliases"> {
  const hostnames = Object.values(names);
  return hostnames.length === 0 ? {} : { hostAliases: [{ ip: gateway.address, hostnames }] };
}
