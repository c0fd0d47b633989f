import * as pulumi from "@pulumi/pulumi";
import { type PodMonitorArgs, podMonitor } from "./podMonitor";

export interface GatewayMonitoringArgs extends Pick<PodMonitorArgs, "namespace" | "timing" | "operator"> {
  /** Where the data plane's pods run. */
  proxyNamespace: string;
}

/** Has the Prometheus operator scrape every Envoy under Contour: what users ask, and how each backend answers. */
export class GatewayMonitoring extends pulumi.ComponentResource {
  constructor(
    name: string,
    { proxyNamespace, ...args }: GatewayMonitoringArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pyairtable:index:GatewayMonitoring", name, {}, opts);
    // As Contour's own manifests label and name it.
    const pods = { namespace: proxyNamespace, matchLabels: { app: "envoy" } };
    const endpoints = [{ port: "metrics", path: "/stats/prometheus" }];
    podMonitor(`${name}-envoy`, { ...args, name: "envoy", pods, endpoints }, { parent: this });
    this.registerOutputs({});
  }
}
