import { Job } from "@pulumi/kubernetes/batch/v1";
import { Secret, Service } from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { databaseClientRole, databaseRole, targetLabels } from "../cluster/names";
import { restrictedContainer, restrictedPod } from "../cluster/restricted";
import { type Access, accessSql } from "../database/access";
import { databasePort } from "../database/clusterInstance";
import { binaries, credentialsName, serviceName } from "../database/instance";
import { passwordOf, userOf } from "../database/password";
import { type DatabaseRole, databaseName } from "../database/roles";
import { type Backend, COLORS } from "../migration";
import { notAwaitedWith } from "./awaiting";
import { clusterDns } from "./egress";
import { gate } from "./gate";
import { secretName } from "./hashedName";

type Peer = types.input.networking.v1.NetworkPolicyPeer;

/** Where an instance is. */
export type DatabasePlace =
  /** In the cluster: labels of its pod. */
  | { readonly selector: Readonly<Record<string, string>> }
  /** Outside: its host, and the IPv4 ranges that it answers from. Connections must be encrypted there. */
  | { readonly host: pulumi.Input<string>; readonly cidrs: readonly string[] };

export interface DatabaseAccessArgs extends Access {
  namespace: pulumi.Input<string>;
  /** The instance in use. */
  instance: string;
  place: DatabasePlace;
  /** What is there once the instance answers. @default it is waited for all the same */
  after?: pulumi.Resource;
  /** Has psql where Debian has it. */
  image: string;
  /** IPv4 address of the monorepo's machine, whose container is one of the backends. */
  legacyHost: string;
}

/** What a backend needs to reach its target's database. */
export interface DatabaseClient {
  /** The name of the Secret with a backend's libpq environment, once its role can connect. */
  readonly credentials: Readonly<Record<Backend, pulumi.Output<string>>>;
  /** Where policies must let it to. */
  readonly peers: readonly Peer[];
}

/** How long PostgreSQL may take to answer, in seconds, before the update fails. */
const patience = 180;
const folder = "/sql";
const instanceLabel = "app.kubernetes.io/instance";

/** Who reaches a target's database, as whom, and by which name; the same wherever the instance is. */
export class DatabaseAccess extends pulumi.ComponentResource implements DatabaseClient {
  readonly credentials: Readonly<Record<Backend, pulumi.Output<string>>>;
  readonly peers: readonly Peer[];

  constructor(name: string, args: DatabaseAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:DatabaseAccess", name, {}, opts);

    const { target, namespace, instance, place } = args;
    const child = { parent: this };
    this.peers =
      "host" in place
        ? place.cidrs.map((cidr) => ({ ipBlock: { cidr } }))
        : [{ podSelector: { matchLabels: { ...targetLabels(target), ...databaseRole } } }];

    const service = new Service(
      `${name}-service`,
      {
        metadata: {
          name: serviceName(target),
          namespace,
          labels: { ...targetLabels(target), [instanceLabel]: instance },
          // The job below waits for what is behind it.
          annotations: notAwaitedWith(instanceLabel, instance),
        },
        spec:
          "host" in place
            ? { type: "ExternalName", externalName: place.host }
            : { selector: place.selector, ports: [{ name: "postgresql", port: databasePort }] },
      },
      child,
    );
    const secret = (role: DatabaseRole | "admin"): Secret => this.credentialsOf(name, role, args);
    const admin = secret("admin");
    for (const role of ["owner", "monitor"] as const) secret(role);
    const backends = { legacy: secret("legacy"), blue: secret("blue"), green: secret("green") };
    const policies = this.policies(name, args);
    const job = this.job(name, args, admin, [service, ...policies, ...(args.after ? [args.after] : [])]);

    // In a preview they are known: what refers to them is shown in full.
    const once = (backend: Backend): pulumi.Output<string> =>
      gate(
        credentialsName(target, backend),
        pulumi.all([job.id, backends[backend].id]),
        () => Promise.resolve(),
        this,
      );
    this.credentials = { legacy: once("legacy"), blue: once("blue"), green: once("green") };

    this.registerOutputs({});
  }

  /** Named by role and not by content: pods keep theirs while mode and instance change. */
  private credentialsOf(
    name: string,
    role: DatabaseRole | "admin",
    { target, namespace, secret, place }: DatabaseAccessArgs,
  ): Secret {
    return new Secret(
      `${name}-${role}`,
      {
        metadata: { name: credentialsName(target, role), namespace, labels: targetLabels(target) },
        stringData: pulumi.secret({
          PGHOST: serviceName(target),
          PGPORT: String(databasePort),
          PGDATABASE: role === "admin" ? "postgres" : databaseName(target),
          PGUSER: userOf(target, role),
          PGPASSWORD: passwordOf(secret, target, role),
          // Not its name: that is the Service's, and no certificate knows it.
          ...("host" in place && { PGSSLMODE: "require" }),
        }),
      },
      { parent: this },
    );
  }

  private job(name: string, args: DatabaseAccessArgs, admin: Secret, dependsOn: pulumi.Resource[]): Job {
    const { target, namespace, instance, image } = args;
    const labels = { ...targetLabels(target), ...databaseClientRole };
    const sql = accessSql(args);
    const base = `${serviceName(target)}-access`;
    const script = new Secret(
      `${name}-sql`,
      {
        metadata: { name: secretName(base, { sql }), namespace, labels: targetLabels(target) },
        immutable: true,
        stringData: pulumi.secret({ "access.sql": sql }),
      },
      { parent: this },
    );
    return new Job(
      `${name}-job`,
      {
        metadata: {
          // Of all that it applies, and of where: a change is another job, and a job that is done isn't done again.
          name: secretName(base, { sql, instance, image }),
          namespace,
          labels,
          // One that failed is made anew by the next update.
          annotations: { "pulumi.com/replaceUnready": "true" },
        },
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: patience,
          template: {
            metadata: { labels },
            spec: {
              ...restrictedPod,
              restartPolicy: "Never",
              containers: [
                {
                  name: "access",
                  image,
                  command: ["/bin/sh", "-c", applyScript],
                  envFrom: [{ secretRef: { name: admin.metadata.name } }],
                  env: [{ name: "PGCONNECT_TIMEOUT", value: "10" }],
                  terminationMessagePolicy: "FallbackToLogsOnError",
                  resources: {
                    requests: { cpu: "10m", memory: "32Mi" },
                    limits: { cpu: "500m", memory: "128Mi" },
                  },
                  securityContext: restrictedContainer,
                  volumeMounts: [{ name: "sql", mountPath: folder, readOnly: true }],
                },
              ],
              volumes: [{ name: "sql", secret: { secretName: script.metadata.name } }],
            },
          },
        },
      },
      { parent: this, dependsOn },
    );
  }

  private policies(
    name: string,
    { target, namespace, place, legacyHost }: DatabaseAccessArgs,
  ): NetworkPolicy[] {
    const labels = targetLabels(target);
    const ports = [{ port: databasePort }];
    const clients = new NetworkPolicy(
      `${name}-clients`,
      {
        metadata: { name: `${serviceName(target)}-clients`, namespace, labels },
        spec: {
          podSelector: { matchLabels: { ...labels, ...databaseClientRole } },
          policyTypes: ["Ingress", "Egress"],
          egress: [{ to: [...this.peers], ports }, clusterDns],
        },
      },
      { parent: this },
    );
    if ("host" in place) return [clients];
    const ofTarget = (matchExpressions: types.input.meta.v1.LabelSelectorRequirement[]): Peer => ({
      podSelector: { matchLabels: labels, matchExpressions },
    });
    const server = new NetworkPolicy(
      `${name}-server`,
      {
        metadata: { name: serviceName(target), namespace, labels },
        spec: {
          podSelector: { matchLabels: { ...labels, ...databaseRole } },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [
                ofTarget([{ key: "pyairtable.dev/backend", operator: "In", values: [...COLORS] }]),
                { podSelector: { matchLabels: { ...labels, ...databaseClientRole } } },
                { ipBlock: { cidr: `${legacyHost}/32` } },
              ],
              ports,
            },
          ],
        },
      },
      { parent: this },
    );
    return [clients, server];
  }
}

/** Waits until PostgreSQL takes the admin's password, and says what is wrong if it never does. */
const applyScript = `for _ in $(seq 60); do
  if said=$(${binaries}/psql --no-psqlrc --quiet --output=/dev/null --command='SELECT 1' 2>&1); then
    exec ${binaries}/psql --no-psqlrc --quiet --output=/dev/null --file=${folder}/access.sql
  fi
  sleep 1
done
echo "$said" >&2
exit 1`;
