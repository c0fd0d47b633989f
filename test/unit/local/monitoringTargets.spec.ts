import assert from "node:assert/strict";
import { databaseTargets, podTargets, probeTargets } from "../../../local/monitoringSync/targets";

const service = (name: string, clusterIP: string): object => ({ metadata: { name }, spec: { clusterIP } });
const deployment = (name: string, replicas?: number): object => ({ metadata: { name }, spec: { replicas } });
const pod = (labels: Readonly<Record<string, string>>, status: object): object => ({
  metadata: { name: "frontend-blue-1", labels },
  status,
});
const serving = {
  "app.kubernetes.io/name": "frontend",
  "pyairtable.dev/backend": "blue",
  "pyairtable.dev/role": "service",
};

describe("which backends are probed", () => {
  it("is each that runs: legacy at its container, a colour at its Service", () => {
    const found = probeTargets(
      [
        service("frontend-legacy", "198.19.0.1"),
        service("frontend-blue", "198.19.0.2"),
        service("frontend-green", "198.19.0.3"),
      ],
      [deployment("frontend-blue", 2)],
    );
    assert.deepEqual(found, [
      { targets: ["http://198.18.0.1:9101/readyz"], labels: { target: "frontend", backend: "legacy" } },
      { targets: ["http://198.19.0.2:9898/readyz"], labels: { target: "frontend", backend: "blue" } },
    ]);
  });

  it("leaves out a retired legacy, and a colour without replicas or without a Deployment", () => {
    const services = [service("frontend-blue", "198.19.0.2"), service("frontend-green", "198.19.0.3")];
    assert.deepEqual(probeTargets(services, [deployment("frontend-blue", 0)]), []);
  });

  it("has a colour that a scaler sizes", () => {
    const found = probeTargets([service("docs-green", "198.19.0.9")], [deployment("docs-green")]);
    assert.deepEqual(
      found.map(({ labels }) => labels),
      [{ target: "docs", backend: "green" }],
    );
  });
});

describe("which databases are asked about", () => {
  const exporter = {
    "app.kubernetes.io/name": "auth-service",
    "app.kubernetes.io/component": "database-exporter",
  };

  it("is each that an exporter watches: once as each backend, and once for the data", () => {
    const running = { phase: "Running", podIP: "198.18.0.20" };
    const found = databaseTargets([pod(exporter, running), pod(serving, running)]);
    const address = "auth-service-database:5432/auth_service";
    const asBackend = (backend: string): object => ({
      targets: ["198.18.0.20:9187"],
      labels: {
        target: "auth-service",
        backend,
        __metrics_path__: "/probe",
        __param_target: address,
        __param_auth_module: backend,
      },
    });
    assert.deepEqual(found, [
      asBackend("legacy"),
      asBackend("blue"),
      asBackend("green"),
      {
        targets: ["198.18.0.20:9188"],
        labels: { target: "auth-service", __metrics_path__: "/metrics" },
      },
    ]);
  });

  it("leaves out an exporter that has no address yet", () => {
    assert.deepEqual(databaseTargets([pod(exporter, { phase: "Pending" })]), []);
  });
});

describe("which pods are asked for what they tell", () => {
  it("is each that serves", () => {
    const running = { phase: "Running", podIP: "198.18.0.10" };
    assert.deepEqual(podTargets([pod(serving, running)]), [
      {
        targets: ["198.18.0.10:9898"],
        labels: { target: "frontend", backend: "blue", pod: "frontend-blue-1" },
      },
    ]);
  });

  it("leaves out what consumes a queue, isn't a target's, or has no address yet", () => {
    const running = { phase: "Running", podIP: "198.18.0.10" };
    assert.deepEqual(
      podTargets([
        pod({ ...serving, "pyairtable.dev/role": "consumer" }, running),
        pod({ ...serving, "app.kubernetes.io/name": "repository-backup" }, running),
        pod(serving, { phase: "Pending" }),
        pod(serving, { phase: "Succeeded", podIP: "198.18.0.10" }),
      ]),
      [],
    );
  });
});
