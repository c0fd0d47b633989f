import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import { duration } from "../monitoring/promql";
import type { Timing } from "../monitoring/timing";
import { whenThere } from "./gate";

export interface PodMonitorArgs {
  /** Its own name. */
  name: string;
  namespace: pulumi.Input<string>;
  /** Which pods, and where they answer. */
  pods: {
    readonly namespace: pulumi.Input<string>;
    readonly matchLabels: Readonly<Record<string, string>>;
    readonly port: string;
    readonly path: string;
  };
  timing: Timing;
  /** Resolves when the operator is there. @default it is */
  operator?: pulumi.Output<unknown>;
}

/** Has the Prometheus operator scrape pods, as often as the alerts take for granted. */
export function podMonitor(
  resourceName: string,
  { name, namespace, pods, timing, operator }: PodMonitorArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource {
  const interval = duration(timing.scrapeMs);
  return new CustomResource(
    resourceName,
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name, namespace, labels: { "app.kubernetes.io/part-of": "pyairtable" } },
      spec: whenThere(operator, {
        namespaceSelector: { matchNames: [pods.namespace] },
        selector: { matchLabels: pods.matchLabels },
        podMetricsEndpoints: [{ port: pods.port, path: pods.path, interval, scrapeTimeout: interval }],
      }),
    },
    opts,
  );
}
