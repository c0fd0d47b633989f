import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { Secret } from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { RoutedTargetName } from "../catalog";
import { databaseClientRole, databaseExporterLabels, targetLabels } from "../cluster/names";
import { restrictedContainer, restrictedPodOf } from "../cluster/restricted";
import { databasePort } from "../database/clusterInstance";
import { credentialsName, serviceName } from "../database/instance";
import { passwordOf } from "../database/password";
import { databaseName, roleName } from "../database/roles";
import type { Backend } from "../migration";
import {
  EXPORTERS,
  type Exporter,
  type Login,
  connectionsConfig,
  dataQueries,
  databaseScrapes,
  exporterArgs,
} from "../monitoring/database";
import type { Timing } from "../monitoring/timing";
import { notAwaited } from "./awaiting";
import { secretName } from "./hashedName";
import { type PodMonitorArgs, podMonitor } from "./podMonitor";

export interface DatabaseMonitoringArgs extends Pick<PodMonitorArgs, "operator"> {
  target: RoutedTargetName;
  namespace: pulumi.Input<string>;
  /** Prometheus' exporter for PostgreSQL, which finds its program by itself. */
  image: string;
  /** What the passwords are derived from. Plain text. */
  secret: string;
  /** What keeps the instances. */
  host: "cluster" | "aws";
  timing: Timing;
  /** By objects of the Prometheus operator, or by whoever finds the pod. */
  rules: "operator" | "files";
  /** Who asks the exporters. */
  scrapers: readonly types.input.networking.v1.NetworkPolicyPeer[];
  /** What is there once all roles can connect. */
  after: pulumi.Resource;
}

/** As in the image that Prometheus' authors publish: `nobody`. */
const user = 65534;
const folder = "/etc/exporter";

/** What watches a target's database: whether each backend's role gets a connection, and whether the data is safe. */
export class DatabaseMonitoring extends pulumi.ComponentResource {
  constructor(name: string, args: DatabaseMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:DatabaseMonitoring", name, {}, opts);

    const { target, namespace, timing, host } = args;
    const labels = { ...targetLabels(target), ...databaseClientRole, ...databaseExporterLabels };
    const fullName = `${serviceName(target)}-exporter`;
    const tls = host === "aws" ? "require" : "disable";
    const files = {
      "connections.yaml": stringify(connectionsConfig(loginsOf(target, args.secret), { tls, timing })),
      "queries.yaml": stringify(dataQueries(host)),
    };
    const settings = new Secret(
      `${name}-settings`,
      {
        metadata: { name: secretName(fullName, files), namespace, labels },
        immutable: true,
        stringData: pulumi.secret(files),
      },
      { parent: this },
    );
    const container = exporterContainer(args.image);
    new Deployment(
      `${name}-exporter`,
      {
        // Who watches must hold nobody up, least of all a way back.
        metadata: { name: fullName, namespace, labels, annotations: notAwaited },
        spec: {
          // One, and never two: each opens connections, of which each role has but so many to spare.
          replicas: 1,
          strategy: { type: "Recreate" },
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              ...restrictedPodOf(user),
              containers: [
                container("connections", EXPORTERS.connections, [`--config.file=${folder}/connections.yaml`]),
                {
                  ...container("data", EXPORTERS.data, [`--extend.query-path=${folder}/queries.yaml`]),
                  env: monitorEnvironment(target, tls),
                },
              ],
              volumes: [{ name: "settings", secret: { secretName: settings.metadata.name } }],
            },
          },
        },
      },
      { parent: this, dependsOn: [args.after] },
    );
    new NetworkPolicy(
      `${name}-scrapers`,
      {
        metadata: { name: fullName, namespace, labels },
        spec: {
          podSelector: { matchLabels: labels },
          policyTypes: ["Ingress"],
          ingress: [
            { from: [...args.scrapers], ports: Object.values(EXPORTERS).map(({ port }) => ({ port })) },
          ],
        },
      },
      { parent: this },
    );
    if (args.rules === "operator") {
      podMonitor(
        `${name}-monitor`,
        {
          name: fullName,
          namespace,
          pods: { namespace, matchLabels: labels },
          endpoints: databaseScrapes(target).map(({ exporter, ...scrape }) => ({
            port: exporter.portName,
            path: exporter.path,
            ...scrape,
          })),
          timing,
          ...(args.operator && { operator: args.operator }),
        },
        { parent: this },
      );
    }

    this.registerOutputs({});
  }
}

function loginsOf(target: RoutedTargetName, secret: string): Readonly<Record<Backend, Login>> {
  const login = (backend: Backend): Login => ({
    username: roleName(target, backend),
    password: passwordOf(secret, target, backend),
  });
  return { legacy: login("legacy"), blue: login("blue"), green: login("green") };
}

const exporterContainer = (image: string) => (name: string, exporter: Exporter, args: readonly string[]) => ({
  name,
  image,
  args: [...args, ...exporterArgs(exporter)],
  ports: [{ name: exporter.portName, containerPort: exporter.port }],
  readinessProbe: answers(exporter),
  livenessProbe: answers(exporter),
  resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "200m", memory: "64Mi" } },
  securityContext: restrictedContainer,
  volumeMounts: [{ name: "settings", mountPath: folder, readOnly: true }],
});

/** Whatever the database does. */
function answers({ port }: Exporter): types.input.core.v1.Probe {
  return { httpGet: { path: "/", port } };
}

/** Where the role that reads statistics connects, and as whom. */
function monitorEnvironment(target: RoutedTargetName, tls: string): types.input.core.v1.EnvVar[] {
  const name = credentialsName(target, "monitor");
  const from = (key: string) => ({ valueFrom: { secretKeyRef: { name, key } } });
  const uri = `${serviceName(target)}:${databasePort}/${databaseName(target)}?sslmode=${tls}&connect_timeout=3`;
  return [
    { name: "DATA_SOURCE_URI", value: uri },
    { name: "DATA_SOURCE_USER", ...from("PGUSER") },
    { name: "DATA_SOURCE_PASS", ...from("PGPASSWORD") },
  ];
}
