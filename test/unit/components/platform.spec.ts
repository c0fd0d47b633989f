import assert from "node:assert/strict";
import { Platform } from "../../../components";
import { record } from "../support/recording";

const args = { namespace: "apps", gatewayClass: "contour", domain: "pyairtable.example" };

describe("Platform", () => {
  it("is a namespace for restricted pods, a denial of all traffic, and a Gateway", async () => {
    const made = await record(() => new Platform("platform", args));
    assert.deepEqual(made.names(), [
      "platform",
      "platform-default-deny",
      "platform-gateway",
      "platform-namespace",
    ]);
    assert.deepEqual(made.inputs("platform-namespace"), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "apps",
        labels: {
          "app.kubernetes.io/part-of": "pyairtable",
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
        },
      },
    });
    assert.deepEqual(made.inputs("platform-default-deny"), {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "default-deny", namespace: "apps" },
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    });
    assert.deepEqual(made.inputs("platform-gateway"), {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "apps", namespace: "apps" },
      spec: {
        gatewayClassName: "contour",
        listeners: [
          {
            name: "http",
            protocol: "HTTP",
            port: 80,
            hostname: "*.pyairtable.example",
            allowedRoutes: { namespaces: { from: "Same" } },
          },
          {
            name: "internal",
            protocol: "HTTP",
            port: 80,
            hostname: "*.apps.internal",
            allowedRoutes: { namespaces: { from: "Same" } },
          },
        ],
      },
    });
  });

  it("makes what is in the namespace after it", async () => {
    const made = await record(() => new Platform("platform", args));
    assert.deepEqual(made.named("platform-gateway").dependencies, ["platform-namespace"]);
    assert.deepEqual(made.named("platform-default-deny").dependencies, ["platform-namespace"]);
  });

  it("shows the same in a preview", async () => {
    const update = await record(() => new Platform("platform", args));
    const preview = await record(() => new Platform("platform", args), { dryRun: true });
    for (const name of update.names()) assert.deepEqual(preview.inputs(name), update.inputs(name));
  });
});
