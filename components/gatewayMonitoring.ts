import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import { duration } from "../monitoring/promql";
import type { Timing } from "../monitoring/timing";
import { whenThere } from "./gate";

export interface GatewayMonitoringArgs {
  namespace: pulumi.Input<string>;
  /** Where the data plane's pods run. */
  proxyNamespace: string;
  timing: Timing;
  /** Resolves when the operator is there. @default it is */
  operator?: pulumi.Output<unknown>;
}

/** Has the Prometheus operator scrape every Envoy under Contour: what users ask, and how each backend answers. */
export class GatewayMonitoring extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:GatewayMonitoring", name, {}, opts);

    const interval = duration(args.timing.scrapeMs);
    new CustomResource(
      `${name}-envoy`,
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata: {
          name: "envoy",
          namespace: args.namespace,
          labels: { "app.kubernetes.io/part-of": "pyairtable" },
        },
        spec: whenThere(args.operator, {
          namespaceSelector: { matchNames: [args.proxyNamespace] },
          // As Contour's own manifests label and name it.
          selector: { matchLabels: { app: "envoy" } },
          podMetricsEndpoints: [
            { port: "metrics", path: "/stats/prometheus", interval, scrapeTimeout: interval },
          ],
        }),
      },
      { parent: this },
    );

    this.registerOutputs({});
  }
}
