import { Namespace, Secret } from "@pulumi/kubernetes/core/v1";
import { Release } from "@pulumi/kubernetes/helm/v3/release";
import * as pulumi from "@pulumi/pulumi";
import { monitoringNamespace } from "../cluster/names";
import { type Receivers, alertmanagerConfig } from "../monitoring/alertmanager";
import { blackboxModules } from "../monitoring/probes";
import { duration } from "../monitoring/promql";
import type { Timing } from "../monitoring/timing";
import { secretName } from "./hashedName";

export interface ObservabilityArgs {
  timing: Timing;
  /** How long metrics, logs and traces are kept. */
  retentionDays: number;
  /** The size of each volume. */
  storageGi: number;
  /** Who is told of alerts. @default nobody: they are seen in Alertmanager alone */
  receivers?: AlertReceivers;
}

export interface AlertReceivers {
  readonly guard: {
    /** Where it takes alerts. */
    readonly url: string;
    /** What it asks for. Plain text; its hash is in a name. */
    readonly token: string;
  };
  /** The webhook of a chat. As the token. @default nobody is told */
  readonly chatUrl?: string;
}

interface Chart {
  readonly chart: string;
  readonly version: string;
  readonly repo: string;
}

const prometheusCommunity = "https://prometheus-community.github.io/helm-charts";
const grafana = "https://grafana.github.io/helm-charts";

/** Exact versions: a chart changes with this file and with nothing else. */
const charts = {
  prometheus: { chart: "kube-prometheus-stack", version: "79.4.0", repo: prometheusCommunity },
  blackboxExporter: { chart: "prometheus-blackbox-exporter", version: "11.17.2", repo: prometheusCommunity },
  loki: { chart: "loki", version: "6.54.0", repo: grafana },
  tempo: { chart: "tempo", version: "1.24.1", repo: grafana },
  mimir: { chart: "mimir-distributed", version: "6.2.0", repo: grafana },
} as const satisfies Readonly<Record<string, Chart>>;

/** Loki, Grafana, Tempo and Mimir, with the Prometheus operator before them: what staging and production are watched by. */
export class Observability extends pulumi.ComponentResource {
  /** Resolves when the operator, and with it the kinds of its objects, is there. */
  readonly operator: pulumi.Output<string>;

  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:Observability", name, {}, opts);

    const namespace = new Namespace(
      `${name}-namespace`,
      { metadata: { name: monitoringNamespace, labels: { "app.kubernetes.io/part-of": "pyairtable" } } },
      { parent: this },
    );
    const install = (part: string, chart: Chart, values: Record<string, unknown>): Release =>
      new Release(
        `${name}-${part}`,
        {
          name: part,
          namespace: namespace.metadata.name,
          chart: chart.chart,
          version: chart.version,
          repositoryOpts: { repo: chart.repo },
          // Nobody's data is lost to a failed upgrade: the last good release stays.
          atomic: true,
          values,
        },
        { parent: this },
      );
    const told = args.receivers && this.receiverSecrets(name, namespace, args.receivers);
    this.operator = install("prometheus", charts.prometheus, prometheusValues(args, told)).id;
    install("blackbox-exporter", charts.blackboxExporter, {
      fullnameOverride: "blackbox-exporter",
      config: { modules: blackboxModules(args.timing) },
    });
    install("loki", charts.loki, lokiValues(args));
    install("tempo", charts.tempo, {
      tempo: { retention: `${args.retentionDays * 24}h` },
      persistence: { enabled: true, size: `${args.storageGi}Gi` },
    });
    install("mimir", charts.mimir, {
      mimir: {
        structuredConfig: { limits: { compactor_blocks_retention_period: `${args.retentionDays}d` } },
      },
    });

    this.registerOutputs({ operator: this.operator });
  }

  /** What Alertmanager shows and where it writes to, as files: neither stands in its configuration. */
  private receiverSecrets(
    name: string,
    { metadata: { name: namespace } }: Namespace,
    { guard, chatUrl }: AlertReceivers,
  ): ToldReceivers {
    const content = { "guard-token": guard.token, ...(chatUrl !== undefined && { "chat-url": chatUrl }) };
    const { metadata } = new Secret(
      `${name}-alertmanager-receivers`,
      {
        metadata: { name: secretName("alertmanager-receivers", content), namespace },
        immutable: true,
        stringData: pulumi.secret(content),
      },
      { parent: this },
    );
    return {
      secret: metadata.name,
      receivers: metadata.name.apply((secret) => {
        // Where the operator mounts the Secrets that it is told of.
        const folder = `/etc/alertmanager/secrets/${secret}`;
        return {
          guard: { url: guard.url, credentialsFile: `${folder}/guard-token` },
          ...(chatUrl !== undefined && { chatUrlFile: `${folder}/chat-url` }),
        };
      }),
    };
  }
}

interface ToldReceivers {
  readonly secret: pulumi.Output<string>;
  readonly receivers: pulumi.Output<Receivers>;
}

function prometheusValues(
  { timing, storageGi }: ObservabilityArgs,
  told: ToldReceivers | undefined,
): Record<string, unknown> {
  const interval = duration(timing.scrapeMs);
  return {
    alertmanager: {
      config: pulumi.output(told?.receivers ?? {}).apply((known) => alertmanagerConfig(known, timing)),
      alertmanagerSpec: { storage: volume(storageGi), ...(told && { secrets: [told.secret] }) },
    },
    prometheus: {
      prometheusSpec: {
        scrapeInterval: interval,
        evaluationInterval: interval,
        // Every object of every namespace, whatever its labels: the chart would look only for its own.
        ruleSelectorNilUsesHelmValues: false,
        probeSelectorNilUsesHelmValues: false,
        podMonitorSelectorNilUsesHelmValues: false,
        serviceMonitorSelectorNilUsesHelmValues: false,
        // Longer than any soak; Mimir keeps the rest.
        retention: "3d",
        storageSpec: volume(storageGi),
        remoteWrite: [{ url: "http://mimir-gateway/api/v1/push" }],
      },
    },
    grafana: {
      sidecar: {
        dashboards: { enabled: true, label: "grafana_dashboard", labelValue: "1", searchNamespace: "ALL" },
      },
      additionalDataSources: [
        dataSource("Loki", "loki", "http://loki-gateway"),
        dataSource("Tempo", "tempo", "http://tempo:3200"),
        dataSource("Mimir", "prometheus", "http://mimir-gateway/prometheus"),
      ],
    },
  };
}

function lokiValues({ retentionDays, storageGi }: ObservabilityArgs): Record<string, unknown> {
  return {
    deploymentMode: "SingleBinary",
    loki: {
      auth_enabled: false,
      commonConfig: { replication_factor: 1 },
      storage: { type: "filesystem" },
      schemaConfig: {
        configs: [
          {
            from: "2025-01-01",
            store: "tsdb",
            object_store: "filesystem",
            schema: "v13",
            index: { prefix: "index_", period: "24h" },
          },
        ],
      },
      limits_config: { retention_period: `${retentionDays * 24}h` },
      compactor: { retention_enabled: true, delete_request_store: "filesystem" },
    },
    singleBinary: { replicas: 1, persistence: { size: `${storageGi}Gi` } },
    read: { replicas: 0 },
    write: { replicas: 0 },
    backend: { replicas: 0 },
  };
}

function volume(storageGi: number): object {
  return {
    volumeClaimTemplate: {
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: `${storageGi}Gi` } } },
    },
  };
}

function dataSource(name: string, type: string, url: string): object {
  return { name, type, url, access: "proxy" };
}
