import { catalogEntry, routedTargets } from "../../catalog";
import { PROBE_MODULE } from "../../monitoring/probes";
import { duration } from "../../monitoring/promql";
import type { Timing } from "../../monitoring/timing";
import ports from "../ports.json";
import { databasesFile, podsFile, probesFile, prometheusRulesDir } from "../paths";
import { certificateFile, keyFile } from "./certificates";
import { gateway } from "./gateway";
import { hostAddress } from "./network";

const onLoopback = (port: number): string => `127.0.0.1:${port}`;

/**
 * Contour's name for a backend's cluster in Envoy's statistics: `pyairtable_frontend-blue_9898`. Of other stacks behind
 * the same Envoy nothing is kept.
 */
const backendCluster = `${gateway.namespace}_(.+)-(legacy|blue|green)_\\d+`;

/** What is kept of Envoy's statistics, as its own names: the rest is thousands of lines. */
const keptOfEnvoy =
  "^cluster\\..*\\.(upstream_rq_(time|xx|[1-5]xx|total|timeout)|membership_(healthy|total))$";

const keptOfKubelet = `container_(cpu_usage_seconds_total|memory_working_set_bytes);${gateway.namespace}`;

/**
 * Prometheus' configuration: who is asked, how often, and the labels `target` and `backend` on all that is a backend's,
 * whoever tells it.
 */
export function prometheusConfig({ scrapeMs }: Timing): object {
  const interval = duration(scrapeMs);
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [`${prometheusRulesDir}/*.yaml`],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [onLoopback(ports.alertmanager)] }] }] },
    scrape_configs: [
      itself("prometheus", ports.prometheus),
      itself("alertmanager", ports.alertmanager),
      itself("blackbox-exporter", ports.blackboxExporter),
      itself("monitoring-sync", ports.monitoringSync),
      // Absent until somebody starts it.
      itself("guard", ports.guard),
      envoyStats("internal-gateway", ports.internalGatewayStats),
      {
        ...envoyStats("gateway", ports.envoyStats),
        metric_relabel_configs: [
          // The same again, for what came from outside.
          { source_labels: ["__name__"], regex: "envoy_cluster_external_.*", action: "drop" },
          { source_labels: ["envoy_cluster_name"], regex: backendCluster, action: "keep" },
          label("target", "envoy_cluster_name", backendCluster, "$1"),
          label("backend", "envoy_cluster_name", backendCluster, "$2"),
        ],
      },
      {
        job_name: "kubelet",
        scheme: "https",
        metrics_path: "/metrics/resource",
        // The kubelet measures once in a while, whoever asks how often.
        scrape_interval: duration(Math.max(scrapeMs, 1_000)),
        scrape_timeout: duration(Math.max(scrapeMs, 1_000)),
        tls_config: {
          ca_file: certificateFile("ca"),
          cert_file: certificateFile("monitoring"),
          key_file: keyFile("monitoring"),
          server_name: "localhost",
        },
        static_configs: [{ targets: [onLoopback(ports.kubelet)] }],
        metric_relabel_configs: [
          { source_labels: ["__name__", "namespace"], regex: keptOfKubelet, action: "keep" },
        ],
      },
      { job_name: "databases", file_sd_configs: [{ files: [databasesFile] }] },
      { job_name: "releases", file_sd_configs: [{ files: [podsFile] }] },
      {
        job_name: "legacy",
        static_configs: routedTargets.map((target) => ({
          targets: [`${hostAddress}:${catalogEntry(target).legacyPort}`],
          labels: { target, backend: "legacy" },
        })),
      },
      {
        job_name: "probes",
        metrics_path: "/probe",
        params: { module: [PROBE_MODULE] },
        file_sd_configs: [{ files: [probesFile] }],
        relabel_configs: [
          label("__param_target", "__address__"),
          label("instance", "__address__"),
          { target_label: "__address__", replacement: onLoopback(ports.blackboxExporter) },
        ],
      },
    ],
  };
}

function itself(name: string, port: number): object {
  return { job_name: name, static_configs: [{ targets: [onLoopback(port)] }] };
}

function envoyStats(name: string, port: number): object {
  return { ...itself(name, port), metrics_path: "/stats/prometheus", params: { filter: [keptOfEnvoy] } };
}

function label(name: string, from: string, regex = "(.*)", replacement = "$1"): object {
  return { source_labels: [from], regex, target_label: name, replacement };
}
