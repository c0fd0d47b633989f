import assert from "node:assert/strict";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import { stringify } from "yaml";
import { z } from "zod";
import { DatabaseMonitoring, type DatabaseMonitoringArgs } from "../../../components";
import { passwordOf } from "../../../database/password";
import { roleName } from "../../../database/roles";
import type { Backend } from "../../../migration";
import { connectionsConfig, dataQueries, exporterArgs, EXPORTERS } from "../../../monitoring/database";
import { timingOf } from "../../../monitoring/timing";
import { type Recording, record } from "../support/recording";

const target = "auth-service";
const secret = "correct horse battery staple";
const image = `registry/postgres-exporter@sha256:${"a".repeat(64)}`;
const scrapers = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }];

function make(changes: Partial<DatabaseMonitoringArgs> = {}): Promise<Recording> {
  return record(
    () =>
      new DatabaseMonitoring("it", {
        target,
        namespace: "apps",
        image,
        secret,
        host: "cluster",
        timing: timingOf(),
        rules: "files",
        scrapers,
        after: new ConfigMap("database", {}),
        ...changes,
      }),
  );
}

const labels = {
  "app.kubernetes.io/name": target,
  "app.kubernetes.io/part-of": "pyairtable",
  "pyairtable.dev/role": "database-client",
  "app.kubernetes.io/component": "database-exporter",
};

const login = (backend: Backend) => ({
  username: roleName(target, backend),
  password: passwordOf(secret, target, backend),
});
const logins = { legacy: login("legacy"), blue: login("blue"), green: login("green") };

const settingsSchema = z.object({
  metadata: z.object({ name: z.string() }),
  stringData: z.object({
    "[secret]": z.object({ "connections.yaml": z.string(), "queries.yaml": z.string() }),
  }),
});

const podSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.looseObject({
        automountServiceAccountToken: z.boolean(),
        securityContext: z.looseObject({ runAsNonRoot: z.boolean(), runAsUser: z.number() }),
        containers: z.array(
          z.looseObject({
            name: z.string(),
            image: z.string(),
            args: z.array(z.string()),
            env: z.array(z.unknown()).optional(),
            securityContext: z.unknown(),
          }),
        ),
        volumes: z.array(z.unknown()),
      }),
    }),
  }),
});

describe("DatabaseMonitoring", () => {
  it("is made of these, and no more", async () => {
    const made = await make();
    assert.deepEqual(made.failures, []);
    assert.deepEqual(made.names(), ["database", "it", "it-exporter", "it-scrapers", "it-settings"]);
    assert.deepEqual((await make({ rules: "operator" })).names().includes("it-monitor"), true);
  });

  it("connects as each backend, and reads as the role that reads no table", async () => {
    const made = await make();
    const settings = settingsSchema.parse(made.inputs("it-settings"));
    assert.deepEqual(settings.stringData["[secret]"], {
      "connections.yaml": stringify(connectionsConfig(logins, { tls: "disable", timing: timingOf() })),
      "queries.yaml": stringify(dataQueries("cluster")),
    });
    const { containers, volumes, ...pod } = podSchema.parse(made.inputs("it-exporter")).spec.template.spec;
    assert.deepEqual([pod.automountServiceAccountToken, pod.securityContext.runAsNonRoot], [false, true]);
    assert.deepEqual(volumes, [{ name: "settings", secret: { secretName: settings.metadata.name } }]);
    assert.deepEqual(
      containers.map(({ name, args, env, securityContext }) => ({ name, args, env, securityContext })),
      [
        {
          name: "connections",
          args: ["--config.file=/etc/exporter/connections.yaml", ...exporterArgs(EXPORTERS.connections)],
          env: undefined,
          securityContext: restricted,
        },
        {
          name: "data",
          args: ["--extend.query-path=/etc/exporter/queries.yaml", ...exporterArgs(EXPORTERS.data)],
          env: [
            {
              name: "DATA_SOURCE_URI",
              value: "auth-service-database:5432/auth_service?sslmode=disable&connect_timeout=3",
            },
            fromSecret("DATA_SOURCE_USER", "PGUSER"),
            fromSecret("DATA_SOURCE_PASS", "PGPASSWORD"),
          ],
          securityContext: restricted,
        },
      ],
    );
    // What it knows is in no argument and in no environment.
    assert.doesNotMatch(JSON.stringify(made.inputs("it-exporter")), new RegExp(logins.blue.password));
  });

  it("encrypts what leaves the cluster, and asks RDS for nothing that it doesn't keep", async () => {
    const made = await make({ host: "aws" });
    const { "[secret]": files } = settingsSchema.parse(made.inputs("it-settings")).stringData;
    assert.match(files["connections.yaml"], /sslmode: require/);
    assert.doesNotMatch(files["queries.yaml"], /archive/);
    assert.match(JSON.stringify(made.inputs("it-exporter")), /sslmode=require/);
  });

  it("answers whoever scrapes, and nobody else", async () => {
    assert.deepEqual((await make()).inputs("it-scrapers"), {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "auth-service-database-exporter", namespace: "apps", labels },
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ["Ingress"],
        ingress: [{ from: scrapers, ports: [{ port: 9187 }, { port: 9188 }] }],
      },
    });
  });

  it("is scraped where the operator is, once as each backend and once for the data", async () => {
    const made = await make({ rules: "operator" });
    const often = { interval: "5s", scrapeTimeout: "5s" };
    const asBackend = (backend: string): object => ({
      port: "connections",
      path: "/probe",
      ...often,
      params: { target: ["auth-service-database:5432/auth_service"], auth_module: [backend] },
      relabelings: [
        { targetLabel: "target", replacement: target },
        { targetLabel: "backend", replacement: backend },
      ],
    });
    assert.deepEqual(made.inputs("it-monitor"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: {
        name: "auth-service-database-exporter",
        namespace: "apps",
        labels: { "app.kubernetes.io/part-of": "pyairtable" },
      },
      spec: {
        namespaceSelector: { matchNames: ["apps"] },
        selector: { matchLabels: labels },
        podMetricsEndpoints: [
          asBackend("legacy"),
          asBackend("blue"),
          asBackend("green"),
          {
            port: "data",
            path: "/metrics",
            ...often,
            relabelings: [{ targetLabel: "target", replacement: target }],
          },
        ],
      },
    });
  });
});

const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

function fromSecret(name: string, key: string): object {
  return { name, valueFrom: { secretKeyRef: { name: "auth-service-database-monitor", key } } };
}
