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
    const envoy = { matchLabels: { app: "envoy" }, port: "metrics", path: "/stats/prometheus" };
    const pods = { namespace: proxyNamespace, ...envoy };
    podMonitor(`${name}-envoy`, { ...args, name: "envoy", pods }, { parent: this });
    this.registerOutputs({});
  }
}
