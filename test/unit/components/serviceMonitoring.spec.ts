import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ServiceMonitoring, type ServiceMonitoringArgs } from "../../../components";
import { dashboardText } from "../../../monitoring/dashboardText";
import { ruleFile, ruleGroups } from "../../../monitoring/rules";
import { monitored } from "../monitoring/monitored";
import { type Recording, type RecordOptions, record } from "../support/recording";

const labels = { "app.kubernetes.io/name": "frontend", "app.kubernetes.io/part-of": "pyairtable" };

function make(changes: Partial<ServiceMonitoringArgs> = {}, options?: RecordOptions): Promise<Recording> {
  const args: ServiceMonitoringArgs = {
    namespace: "pyairtable",
    monitored: monitored(),
    rules: "operator",
    ...changes,
  };
  return record(() => new ServiceMonitoring("it", args), options);
}

describe("ServiceMonitoring", () => {
  it("is a rule file for whoever brings it to Prometheus, and a dashboard, where there is no operator", async () => {
    const made = await make({ rules: "files" });
    assert.deepEqual(made.names(), ["it", "it-dashboard", "it-rules"]);
    assert.deepEqual(made.inputs("it-rules"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "frontend-rules",
        namespace: "pyairtable",
        labels: { ...labels, "pyairtable.dev/prometheus-rules": "true" },
      },
      data: { "frontend.yaml": ruleFile(monitored()) },
    });
  });

  it("is the operator's objects, and a dashboard, where there is one", async () => {
    const made = await make();
    assert.deepEqual(made.names(), ["it", "it-blue-probe", "it-dashboard", "it-legacy-probe", "it-rules"]);
    assert.deepEqual(made.inputs("it-rules"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: "frontend", namespace: "pyairtable", labels },
      spec: { groups: structuredClone(ruleGroups(monitored())) },
    });
    assert.deepEqual(made.inputs("it-blue-probe"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "Probe",
      metadata: {
        name: "frontend-blue",
        namespace: "pyairtable",
        labels: {
          ...labels,
          "app.kubernetes.io/instance": "frontend-blue",
          "pyairtable.dev/backend": "blue",
        },
      },
      spec: {
        jobName: "probes",
        interval: "5s",
        scrapeTimeout: "5s",
        module: "answers_2xx",
        prober: { url: "blackbox-exporter.monitoring.svc:9115" },
        targets: {
          staticConfig: {
            static: ["http://frontend-blue.pyairtable.svc:9898/readyz"],
            labels: { target: "frontend", backend: "blue" },
          },
        },
      },
    });
  });

  it("draws a dashboard that Grafana's sidecar finds", async () => {
    const made = await make();
    assert.deepEqual(made.inputs("it-dashboard"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "frontend-dashboard",
        namespace: "pyairtable",
        labels: { ...labels, grafana_dashboard: "1" },
      },
      data: { "pyairtable-frontend.json": dashboardText(monitored()) },
    });
  });

  it("probes what runs, and nothing else: not a color without image, not a retired legacy", async () => {
    const { record: standing } = monitored();
    const made = await make({ monitored: monitored({ record: { ...standing, legacy: "retired" } }) });
    const probes = made.ofType("kubernetes:monitoring.coreos.com/v1:Probe").map(({ name }) => name);
    assert.deepEqual(probes, ["it-blue-probe"]);
  });

  it("writes rules and probes for a split once that is served, and the dashboard at any time", async () => {
    const proof = (): pulumi.Output<string> => pulumi.output(Promise.reject(new Error("not served")));
    const made = await record(() => {
      new ServiceMonitoring("it", {
        namespace: "pyairtable",
        monitored: monitored(),
        rules: "operator",
        after: proof(),
      });
    });
    assert.match(made.failures.join(), /not served/);
    assert.deepEqual(made.names(), ["it", "it-dashboard"]);
  });

  it("shows the same in a preview", async () => {
    const [update, preview] = [await make(), await make({}, { dryRun: true })];
    assert.deepEqual(preview.names(), update.names());
    for (const name of update.names()) assert.deepEqual(preview.inputs(name), update.inputs(name));
  });
});
