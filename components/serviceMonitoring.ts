import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { backendLabels, backendName, monitoringNamespace, targetLabels } from "../cluster/names";
import { dashboardText } from "../monitoring/dashboardText";
import type { MonitoredTarget } from "../monitoring/monitoredTarget";
import { PROBE_MODULE, probeUrl } from "../monitoring/probes";
import { duration } from "../monitoring/promql";
import { runningBackends } from "../monitoring/recordingRules";
import { ruleFile, ruleGroups } from "../monitoring/rules";

export interface ServiceMonitoringArgs {
  namespace: pulumi.Input<string>;
  monitored: MonitoredTarget;
  /** As objects of the Prometheus operator, or as a rule file in a ConfigMap for whoever brings it to Prometheus. */
  rules: "operator" | "files";
  /** What the rules take for granted: that the split which they name is served. @default nothing */
  after?: pulumi.Output<unknown>;
}

/** How a target is watched: what is recorded of its backends, the alerts on it, its probes and its dashboard. */
export class ServiceMonitoring extends pulumi.ComponentResource {
  constructor(name: string, args: ServiceMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ServiceMonitoring", name, {}, opts);

    if (args.rules === "operator") this.operatorObjects(name, args);
    else this.ruleFile(name, args);
    this.dashboard(name, args);

    this.registerOutputs({});
  }

  private ruleFile(name: string, args: ServiceMonitoringArgs): void {
    const { target } = args.monitored;
    new ConfigMap(
      `${name}-rules`,
      {
        metadata: {
          name: `${target.name}-rules`,
          namespace: args.namespace,
          labels: { ...targetLabels(target.name), "pyairtable.dev/prometheus-rules": "true" },
        },
        data: after(args, { [`${target.name}.yaml`]: ruleFile(args.monitored) }),
      },
      { parent: this },
    );
  }

  private operatorObjects(name: string, args: ServiceMonitoringArgs): void {
    const { namespace, monitored } = args;
    const { target, timing } = monitored;
    new CustomResource(
      `${name}-rules`,
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: { name: target.name, namespace, labels: targetLabels(target.name) },
        spec: after(args, { groups: ruleGroups(monitored) }),
      },
      { parent: this },
    );
    for (const backend of runningBackends(monitored)) {
      new CustomResource(
        `${name}-${backend}-probe`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "Probe",
          metadata: {
            name: backendName(target.name, backend),
            namespace,
            labels: backendLabels(target.name, backend),
          },
          // A release that is still starting fails no health check.
          spec: after(args, {
            jobName: "probes",
            interval: duration(timing.scrapeMs),
            scrapeTimeout: duration(timing.scrapeMs),
            module: PROBE_MODULE,
            prober: { url: `blackbox-exporter.${monitoringNamespace}.svc:9115` },
            targets: {
              staticConfig: {
                static: [probeUrl(target, backend, monitored.namespace)],
                labels: { target: target.name, backend },
              },
            },
          }),
        },
        { parent: this },
      );
    }
  }

  private dashboard(name: string, { namespace, monitored }: ServiceMonitoringArgs): void {
    const { target } = monitored;
    new ConfigMap(
      `${name}-dashboard`,
      {
        metadata: {
          name: `${target.name}-dashboard`,
          namespace,
          labels: { ...targetLabels(target.name), grafana_dashboard: "1" },
        },
        data: { [`pyairtable-${target.name}.json`]: dashboardText(monitored) },
      },
      { parent: this },
    );
  }
}

function after<T>({ after: first }: ServiceMonitoringArgs, value: T): pulumi.Input<T> {
  return first === undefined ? value : first.apply(() => value);
}
