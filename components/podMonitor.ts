import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import { duration } from "../monitoring/promql";
import type { Timing } from "../monitoring/timing";
import { whenThere } from "./gate";

export interface PodMonitorArgs {
  /** Its own name. */
  name: string;
  namespace: pulumi.Input<string>;
  /** Which pods. */
  pods: {
    readonly namespace: pulumi.Input<string>;
    readonly matchLabels: Readonly<Record<string, string>>;
  };
  /** Where each of them answers. */
  endpoints: readonly ScrapedEndpoint[];
  timing: Timing;
  /** Resolves when the operator is there. @default it is */
  operator?: pulumi.Output<unknown>;
}

export interface ScrapedEndpoint {
  /** By name. */
  readonly port: string;
  readonly path: string;
  /** Of the question. @default none */
  readonly params?: Readonly<Record<string, string>>;
  /** Of all that is answered. @default the operator's own */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Has the Prometheus operator scrape pods, as often as the alerts take for granted. */
export function podMonitor(
  resourceName: string,
  { name, namespace, pods, endpoints, timing, operator }: PodMonitorArgs,
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
        podMetricsEndpoints: endpoints.map(({ port, path, params = {}, labels = {} }) => ({
          port,
          path,
          interval,
          scrapeTimeout: interval,
          ...(Object.keys(params).length > 0 && {
            params: Object.fromEntries(Object.entries(params).map(([key, value]) => [key, [value]])),
          }),
          ...(Object.keys(labels).length > 0 && {
            relabelings: Object.entries(labels).map(([targetLabel, replacement]) => ({
              targetLabel,
              replacement,
            })),
          }),
        })),
      }),
    },
    opts,
  );
}
