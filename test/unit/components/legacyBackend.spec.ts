import assert from "node:assert/strict";
import { catalogEntry } from "../../../catalog";
import { LegacyBackend } from "../../../components";
import { notAwaited } from "../../../components/awaiting";
import { record } from "../support/recording";
import { legacyHost } from "./fixtures";

const labels = {
  "app.kubernetes.io/name": "docs",
  "app.kubernetes.io/part-of": "pyairtable",
  "app.kubernetes.io/instance": "docs-legacy",
  "pyairtable.dev/backend": "legacy",
};

describe("LegacyBackend", () => {
  it("is a Service without a selector, and the monorepo's address as its endpoint", async () => {
    const target = catalogEntry("docs");
    const made = await record(
      () => new LegacyBackend("docs-legacy", { target, namespace: "apps", host: legacyHost }),
    );
    assert.deepEqual(made.names(), ["docs-legacy", "docs-legacy-endpoints", "docs-legacy-service"]);
    assert.deepEqual(made.inputs("docs-legacy-service"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "docs-legacy",
        namespace: "apps",
        labels,
        annotations: notAwaited,
      },
      spec: { ports: [{ name: "http", port: 9898, targetPort: 9108 }] },
    });
    assert.deepEqual(made.inputs("docs-legacy-endpoints"), {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "docs-legacy",
        namespace: "apps",
        labels: { ...labels, "kubernetes.io/service-name": "docs-legacy" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [legacyHost], conditions: { ready: true } }],
      ports: [{ name: "http", port: 9108 }],
    });
  });
});
