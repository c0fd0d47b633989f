import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type AlertReceivers, GatewayMonitoring, Observability } from "../../../components";
import { alertmanagerConfig } from "../../../monitoring/alertmanager";
import { timingOf } from "../../../monitoring/timing";
import { type Recording, record } from "../support/recording";

const releaseSchema = z.object({
  name: z.string(),
  namespace: z.string(),
  chart: z.string(),
  version: z.string(),
  repositoryOpts: z.object({ repo: z.string() }),
  atomic: z.literal(true),
});

function make(receivers?: AlertReceivers): Promise<Recording> {
  const args = { timing: timingOf(), retentionDays: 30, storageGi: 50, ...(receivers && { receivers }) };
  return record(() => new Observability("it", args));
}

describe("Observability", () => {
  it("is five charts at exact versions, in a namespace of their own", async () => {
    const made = await make();
    assert.deepEqual(made.names(), [
      "it",
      "it-blackbox-exporter",
      "it-loki",
      "it-mimir",
      "it-namespace",
      "it-prometheus",
      "it-tempo",
    ]);
    const releases = made
      .ofType("kubernetes:helm.sh/v3:Release")
      .map(({ inputs }) => releaseSchema.parse(inputs))
      .map(({ namespace, chart, version }) => `${namespace} ${chart} ${version}`);
    assert.deepEqual(releases.sort(), [
      "monitoring kube-prometheus-stack 79.4.0",
      "monitoring loki 6.54.0",
      "monitoring mimir-distributed 6.2.0",
      "monitoring prometheus-blackbox-exporter 11.17.2",
      "monitoring tempo 1.24.1",
    ]);
  });

  it("has Prometheus look as often as the alerts take for granted, and read every object there is", async () => {
    const made = await make();
    const values = z
      .object({
        prometheus: z.object({ prometheusSpec: z.record(z.string(), z.unknown()) }),
        alertmanager: z.object({ config: z.unknown() }),
      })
      .parse(made.inputs("it-prometheus")["values"]);
    const spec = values.prometheus.prometheusSpec;
    assert.equal(spec["scrapeInterval"], "5s");
    assert.equal(spec["evaluationInterval"], "5s");
    for (const kind of ["rule", "probe", "podMonitor"]) {
      assert.equal(spec[`${kind}SelectorNilUsesHelmValues`], false);
    }
    assert.deepEqual(values.alertmanager.config, alertmanagerConfig({}, timingOf()));
  });

  it("tells the guard and the chat, with what is secret in files that Alertmanager mounts", async () => {
    const guard = { url: "http://guard.pyairtable:9120/alerts", token: "t-1" };
    const made = await make({ guard, chatUrl: "https://chat.example/c-1" });
    assert.deepEqual(made.failures, []);
    const { metadata, ...secret } = z
      .looseObject({ metadata: z.object({ name: z.string(), namespace: z.string() }) })
      .parse(made.inputs("it-alertmanager-receivers"));
    assert.equal(metadata.namespace, "monitoring");
    assert.match(metadata.name, /^alertmanager-receivers-[0-9a-f]{10}$/);
    assert.deepEqual(secret, {
      apiVersion: "v1",
      kind: "Secret",
      immutable: true,
      stringData: { "[secret]": { "guard-token": "t-1", "chat-url": "https://chat.example/c-1" } },
    });
    const folder = `/etc/alertmanager/secrets/${metadata.name}`;
    const { alertmanager } = z
      .object({ alertmanager: z.object({ config: z.unknown(), alertmanagerSpec: z.looseObject({}) }) })
      .parse(made.inputs("it-prometheus")["values"]);
    assert.deepEqual(alertmanager.alertmanagerSpec["secrets"], [metadata.name]);
    assert.deepEqual(
      alertmanager.config,
      alertmanagerConfig(
        {
          guard: { url: guard.url, credentialsFile: `${folder}/guard-token` },
          chatUrlFile: `${folder}/chat-url`,
        },
        timingOf(),
      ),
    );
    assert.doesNotMatch(JSON.stringify(made.inputs("it-prometheus")), /t-1|c-1/);
  });

  it("has the prober that the targets' probes name, with the module that they name", async () => {
    const made = await make();
    assert.deepEqual(made.inputs("it-blackbox-exporter")["values"], {
      fullnameOverride: "blackbox-exporter",
      config: {
        modules: {
          answers_2xx: {
            prober: "http",
            timeout: "4000ms",
            http: { preferred_ip_protocol: "ip4", follow_redirects: false },
          },
        },
      },
    });
  });
});

describe("GatewayMonitoring", () => {
  const args = { namespace: "pyairtable", proxyNamespace: "projectcontour", timing: timingOf() };

  it("has the operator scrape every Envoy, as often as the alerts take for granted", async () => {
    const made = await record(() => new GatewayMonitoring("it", args));
    assert.deepEqual(made.inputs("it-envoy"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: {
        name: "envoy",
        namespace: "pyairtable",
        labels: { "app.kubernetes.io/part-of": "pyairtable" },
      },
      spec: {
        namespaceSelector: { matchNames: ["projectcontour"] },
        selector: { matchLabels: { app: "envoy" } },
        podMetricsEndpoints: [
          { port: "metrics", path: "/stats/prometheus", interval: "5s", scrapeTimeout: "5s" },
        ],
      },
    });
  });

  it("waits for the operator, without which its kind is unknown", async () => {
    const made = await record(() => {
      const operator = pulumi.output(Promise.reject(new Error("not installed")));
      new GatewayMonitoring("it", { ...args, operator });
    });
    assert.deepEqual(made.names(), ["it"]);
  });
});
