import { Service } from "@pulumi/kubernetes/core/v1";
import { EndpointSlice } from "@pulumi/kubernetes/discovery/v1";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTarget } from "../catalog";
import { notAwaited } from "./awaiting";
import { backendLabels, backendName } from "../cluster/names";

export interface LegacyBackendArgs {
  target: RoutedTarget;
  namespace: pulumi.Input<string>;
  /** IPv4 address where the monorepo's container is reached; not loopback. */
  host: pulumi.Input<string>;
}

/** The monorepo's container as a backend: outside the cluster and outside the stack, reached by address. */
export class LegacyBackend extends pulumi.ComponentResource {
  /** What a route may name. */
  readonly routable: readonly pulumi.Resource[];

  constructor(name: string, args: LegacyBackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:LegacyBackend", name, {}, opts);

    const { target, namespace } = args;
    const serviceName = backendName(target.name, "legacy");
    const labels = backendLabels(target.name, "legacy");
    const service = new Service(
      `${name}-service`,
      {
        metadata: {
          name: serviceName,
          namespace,
          labels,
          // Without a selector the provider would wait for endpoints that it doesn't recognise.
          annotations: notAwaited,
        },
        spec: { ports: [{ name: "http", port: target.port, targetPort: target.legacyPort }] },
      },
      { parent: this },
    );
    const endpoints = new EndpointSlice(
      `${name}-endpoints`,
      {
        metadata: {
          name: serviceName,
          namespace,
          labels: { ...labels, "kubernetes.io/service-name": service.metadata.name },
        },
        addressType: "IPv4",
        endpoints: [{ addresses: [args.host], conditions: { ready: true } }],
        ports: [{ name: "http", port: target.legacyPort }],
      },
      { parent: this },
    );

    this.routable = [service, endpoints];
    this.registerOutputs({});
  }
}
