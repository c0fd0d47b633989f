import assert from "node:assert/strict";
import { z } from "zod";
import { ServiceDatabase, type ServiceDatabaseArgs } from "../../../components";
import { notAwaited } from "../../../components/awaiting";
import { passwordOf } from "../../../database/password";
import { type Recording, record } from "../support/recording";
import { legacyHost } from "./fixtures";

const secret = "correct horse battery staple";
const labels = { "app.kubernetes.io/name": "auth-service", "app.kubernetes.io/part-of": "pyairtable" };
const clients = { ...labels, "pyairtable.dev/role": "database-client" };
const servers = { ...labels, "pyairtable.dev/role": "database" };
const image = "localhost/postgresql:15";
const inAws = {
  in: "aws",
  addresses: new Map([["auth-service-postgresql", "a.rds.example"]]),
  subnetCidrs: ["10.0.1.0/24", "10.0.2.0/24"],
} as const;

const forced = { "pulumi.com/patchForce": "true" };
const podSchema = z.looseObject({ template: z.object({ spec: z.unknown() }) });

function labelsOf(instance: string): Record<string, string> {
  return { ...servers, "app.kubernetes.io/instance": instance };
}

async function make(
  changes: Partial<ServiceDatabaseArgs> = {},
  dryRun = false,
): Promise<Recording & { readonly told: readonly string[] }> {
  const told: string[] = [];
  const made = await record(
    () => {
      const { credentials } = new ServiceDatabase("it", {
        target: "auth-service",
        namespace: "apps",
        instance: "auth-service-postgresql",
        kept: [],
        mode: "read-write",
        secret,
        connections: 17,
        image,
        legacyHost,
        host: { in: "cluster", storageGi: 3, maxConnections: 100 },
        ...changes,
      });
      credentials.blue.apply((name) => told.push(name));
    },
    { dryRun },
  );
  assert.deepEqual(made.failures, []);
  return Object.assign(made, { told });
}

function sqlOf(made: Recording): string {
  const { stringData } = z
    .looseObject({ stringData: z.object({ "[secret]": z.object({ "access.sql": z.string() }) }) })
    .parse(made.inputs("it-access-sql"));
  return stringData["[secret]"]["access.sql"];
}

describe("ServiceDatabase in the cluster", () => {
  it("is one pod per instance, with volumes that outlive it, and access to the one in use", async () => {
    const made = await make();
    assert.deepEqual(made.names(), [
      "auth-service-postgresql",
      "auth-service-postgresql-admin",
      "auth-service-postgresql-files",
      "auth-service-postgresql-service",
      "auth-service-postgresql-stateful-set",
      "it",
      "it-access",
      "it-access-admin",
      "it-access-blue",
      "it-access-clients",
      "it-access-green",
      "it-access-job",
      "it-access-legacy",
      "it-access-monitor",
      "it-access-owner",
      "it-access-server",
      "it-access-service",
      "it-access-sql",
    ]);
    const { spec, metadata } = made.inputs("auth-service-postgresql-stateful-set");
    const own = labelsOf("auth-service-postgresql");
    assert.deepEqual(metadata, {
      ...{ name: "auth-service-postgresql", namespace: "apps", labels: own },
      annotations: forced,
    });
    const { template, ...others } = podSchema.parse(spec);
    const claim = (name: string) => ({
      metadata: { name, labels: own },
      spec: {
        storageClassName: "local-path",
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "3Gi" } },
      },
    });
    // Nothing says that volumes go with the StatefulSet.
    assert.deepEqual(others, {
      serviceName: "auth-service-postgresql",
      replicas: 1,
      selector: { matchLabels: own },
      volumeClaimTemplates: [claim("data"), claim("repository")],
    });
    const pod = z
      .looseObject({
        initContainers: z.array(z.looseObject({ name: z.string(), restartPolicy: z.string() })),
        containers: z.array(z.looseObject({ name: z.string() })),
      })
      .parse(template.spec);
    assert.deepEqual(
      pod.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
      [["backup", "Always"]],
    );
    assert.deepEqual(
      pod.containers.map(({ name }) => name),
      ["postgresql"],
    );
    assert.equal(pod["automountServiceAccountToken"], false);
  });

  it("keeps what is not in use: no backend is led to it, or let in", async () => {
    const made = await make({ instance: "auth-service-postgresql-2", kept: ["auth-service-postgresql"] });
    assert.deepEqual(
      made.ofType("kubernetes:apps/v1:StatefulSet").map(({ name }) => name),
      ["auth-service-postgresql-stateful-set", "auth-service-postgresql-2-stateful-set"],
    );
    const hbaOf = (instance: string): string =>
      z
        .looseObject({ data: z.looseObject({ "pg_hba.conf": z.string() }) })
        .parse(made.inputs(`${instance}-files`)).data["pg_hba.conf"];
    // Its files are in the name of a ConfigMap: no longer in use, its pod restarts and its sessions end.
    assert.match(hbaOf("auth-service-postgresql"), /^host all all all reject$/m);
    assert.doesNotMatch(hbaOf("auth-service-postgresql-2"), /reject/);
    // The one that is left may be a wreck, and the one in use must answer.
    const annotationsOf = (instance: string): unknown =>
      z
        .looseObject({ metadata: z.looseObject({ annotations: z.unknown().optional() }) })
        .parse(made.inputs(`${instance}-stateful-set`)).metadata.annotations;
    assert.deepEqual(annotationsOf("auth-service-postgresql"), { ...forced, ...notAwaited });
    assert.deepEqual(annotationsOf("auth-service-postgresql-2"), forced);
    assert.deepEqual(made.inputs("it-access-service"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "auth-service-database",
        namespace: "apps",
        labels: { ...labels, "app.kubernetes.io/instance": "auth-service-postgresql-2" },
        // A Service has no generation: that it is there says nothing of where it leads.
        annotations: {
          "pulumi.com/waitFor":
            "jsonpath={.metadata.labels['app.kubernetes.io/instance']}=auth-service-postgresql-2",
        },
      },
      spec: { selector: labelsOf("auth-service-postgresql-2"), ports: [{ name: "postgresql", port: 5432 }] },
    });
  });

  it("lets backends, the monorepo's machine and the target's own jobs to it, and nobody else", async () => {
    const made = await make();
    const ports = [{ port: 5432 }];
    assert.deepEqual(made.inputs("it-access-server")["spec"], {
      podSelector: { matchLabels: servers },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            {
              podSelector: {
                matchLabels: labels,
                matchExpressions: [
                  { key: "pyairtable.dev/backend", operator: "In", values: ["blue", "green"] },
                ],
              },
            },
            { podSelector: { matchLabels: clients } },
            { ipBlock: { cidr: `${legacyHost}/32` } },
          ],
          ports,
        },
      ],
    });
  });
});

describe("ServiceDatabase in AWS", () => {
  it("is a name that leads there, over encrypted connections, and no pod", async () => {
    const made = await make({ host: inAws });
    assert.deepEqual(made.ofType("kubernetes:apps/v1:StatefulSet"), []);
    assert.ok(!made.names().includes("it-access-server"));
    assert.deepEqual(made.inputs("it-access-service")["spec"], {
      type: "ExternalName",
      externalName: "a.rds.example",
    });
    assert.deepEqual(made.inputs("it-access-blue")["stringData"], {
      "[secret]": {
        PGHOST: "auth-service-database",
        PGPORT: "5432",
        PGDATABASE: "auth_service",
        PGUSER: "auth_service_blue",
        PGPASSWORD: passwordOf(secret, "auth-service", "blue"),
        PGSSLMODE: "require",
      },
    });
    const [toDatabase] = z
      .looseObject({ egress: z.array(z.unknown()) })
      .parse(made.inputs("it-access-clients")["spec"]).egress;
    assert.deepEqual(toDatabase, {
      to: [{ ipBlock: { cidr: "10.0.1.0/24" } }, { ipBlock: { cidr: "10.0.2.0/24" } }],
      ports: [{ port: 5432 }],
    });
  });
});

describe("access to a ServiceDatabase", () => {
  it("is a Secret per role with libpq's own variables", async () => {
    const made = await make();
    const expected = {
      owner: "auth_service_owner",
      monitor: "auth_service_monitor",
      green: "auth_service_green",
    };
    for (const [role, user] of Object.entries(expected)) {
      const { stringData, metadata } = made.inputs(`it-access-${role}`);
      assert.deepEqual(metadata, { name: `auth-service-database-${role}`, namespace: "apps", labels });
      const { "[secret]": values } = z
        .object({ "[secret]": z.record(z.string(), z.string()) })
        .parse(stringData);
      assert.equal(values["PGUSER"], user);
      assert.equal(values["PGDATABASE"], "auth_service");
      assert.ok(!("PGSSLMODE" in values));
    }
    const { stringData } = made.inputs("it-access-admin");
    assert.match(JSON.stringify(stringData), /"PGDATABASE":"postgres".*"PGUSER":"postgres"/);
  });

  it("is applied by a job of its own for each mode and instance; what pods are given stays", async () => {
    const jobName = (made: Recording): string =>
      z.looseObject({ metadata: z.object({ name: z.string() }) }).parse(made.inputs("it-access-job")).metadata
        .name;
    const before = await make();
    const same = await make();
    const readOnly = await make({ mode: "read-only" });
    const restored = await make({ instance: "auth-service-postgresql-2" });
    assert.equal(jobName(same), jobName(before));
    assert.equal(new Set([before, readOnly, restored].map(jobName)).size, 3);
    assert.match(sqlOf(before), /GRANT "auth_service_writer" TO/);
    assert.match(sqlOf(readOnly), /REVOKE "auth_service_writer" FROM/);
    for (const made of [readOnly, restored]) {
      for (const backend of ["legacy", "blue", "green"]) {
        assert.deepEqual(made.inputs(`it-access-${backend}`), before.inputs(`it-access-${backend}`));
      }
    }
  });

  it("waits for the instance, and is waited for by whoever is to connect", async () => {
    const made = await make();
    const { dependencies } = made.named("it-access-job");
    assert.ok(dependencies.includes("auth-service-postgresql-stateful-set"));
    assert.deepEqual(made.told, ["auth-service-database-blue"]);
    // Known all the same before anything is there.
    assert.deepEqual((await make({}, true)).told, ["auth-service-database-blue"]);
  });

  it("has no password in any command, name or plain value", async () => {
    const made = await make();
    const plain = JSON.stringify(made.resources, (key, value: unknown) => (key === "[secret]" ? "" : value));
    for (const role of ["admin", "owner", "monitor", "legacy", "blue", "green"] as const) {
      assert.ok(!plain.includes(passwordOf(secret, "auth-service", role)));
    }
    assert.ok(!JSON.stringify(made.resources).includes(secret));
  });
});
