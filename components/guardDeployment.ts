import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap, Secret, Service, ServiceAccount } from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import { Role, RoleBinding } from "@pulumi/kubernetes/rbac/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { notAwaited } from "./awaiting";
import { clusterDns, publicHttps } from "./egress";
import { hashedName, secretName } from "./hashedName";
import { type PodMonitorArgs, podMonitor } from "./podMonitor";
import type { ReleasePeers } from "./releasePolicy";
import { restrictedContainer, restrictedPodOf } from "./restricted";

export interface GuardDeploymentArgs {
  namespace: pulumi.Input<string>;
  /** The stack that it guards. */
  stack: string;
  /** This checkout with its packages, by digest. */
  image: string;
  /** `owner/name` on GitHub, whose rollback workflow commits and updates. */
  repository: string;
  /** Whom alerts are checked with, and where Alertmanager runs too. */
  prometheus: { readonly namespace: string; readonly url: string };
  /** What it must know of the stack; nothing secret. */
  stackFile: string;
  /** Plain text; their hash is in a name. */
  secrets: GuardSecrets;
  /** The namespace of the proxies that prove a split. @default they are no pods */
  proxyNamespace?: string;
  peers: ReleasePeers;
  /** Ports that the monorepo's containers answer at. */
  legacyPorts: readonly number[];
  /** How the operator is told to scrape it, users' reports among the rest. @default it isn't */
  monitoring?: Pick<PodMonitorArgs, "timing" | "operator">;
}

export interface GuardSecrets {
  /** What Alertmanager shows. */
  readonly alertToken: string;
  /** What those show who report what users say. */
  readonly reportToken: string;
  /** May run the rollback workflow. */
  readonly githubToken: string;
  /** The webhook of a chat. @default nobody is told */
  readonly chatUrl?: string;
}

const fullName = "guard";
const port = 9120;

/** Where Alertmanager reaches it, from another namespace. */
export function guardAlertsUrl(namespace: string): string {
  return `http://${fullName}.${namespace}:${port}/alerts`;
}

/** The user of the pod: the image's own may be root. */
const user = 65532;
const secretFolder = "/var/run/secrets/guard";
const configFolder = "/etc/guard";
const apiFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Time to let go of the lease, and to answer who asked. */
const graceSeconds = 30;

/** The guard: two replicas, of which the one with the lease acts. */
export class GuardDeployment extends pulumi.ComponentResource {
  constructor(name: string, args: GuardDeploymentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:GuardDeployment", name, {}, opts);

    const { namespace, secrets } = args;
    const labels = { "app.kubernetes.io/name": fullName, "app.kubernetes.io/part-of": "pyairtable" };
    const selector = { "app.kubernetes.io/name": fullName };
    const metadata = { name: fullName, namespace, labels };
    const child = { parent: this };

    const serviceAccount = new ServiceAccount(
      `${name}-service-account`,
      { metadata, automountServiceAccountToken: false },
      child,
    );
    this.allow(name, metadata, namespace, roleRules, serviceAccount);
    if (args.proxyNamespace !== undefined) {
      const there = { name: `${fullName}-proxies`, namespace: args.proxyNamespace, labels };
      this.allow(`${name}-proxies`, there, namespace, [readEndpoints], serviceAccount);
    }

    const kubeconfig = new ConfigMap(
      `${name}-kubeconfig`,
      {
        metadata: {
          name: hashedName(`${fullName}-kubeconfig`, { kubeconfig: inCluster }),
          namespace,
          labels,
        },
        immutable: true,
        data: { kubeconfig: inCluster },
      },
      child,
    );
    // Not immutable: it changes with each cutover, and the guard must not restart then.
    const stackFile = new ConfigMap(
      `${name}-stack-file`,
      {
        metadata: { name: `${fullName}-stack-file`, namespace, labels },
        data: { [`Pulumi.${args.stack}.yaml`]: args.stackFile },
      },
      child,
    );
    const content = secretFiles(secrets);
    const secret = new Secret(
      `${name}-secrets`,
      {
        metadata: { name: secretName(fullName, content), namespace, labels },
        immutable: true,
        stringData: pulumi.secret(content),
      },
      child,
    );

    new NetworkPolicy(`${name}-network-policy`, { metadata, spec: networkPolicy(selector, args) }, child);
    new Service(
      `${name}-service`,
      {
        // Behind it is whoever acts; at times that is nobody.
        metadata: { ...metadata, annotations: notAwaited },
        spec: { selector, ports: [{ name: "http", port, targetPort: "http" }] },
      },
      child,
    );
    new Deployment(
      `${name}-deployment`,
      {
        // One of two is ready, ever: Kubernetes takes it for a rollout that doesn't end.
        metadata: { ...metadata, annotations: notAwaited },
        spec: {
          replicas: 2,
          // A new one is ready only when the old one that acts is gone; Prometheus is asked again by who comes next.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selector },
          template: {
            metadata: { labels },
            spec: podSpec(args, selector, {
              serviceAccountName: serviceAccount.metadata.name,
              kubeconfig: kubeconfig.metadata.name,
              stackFile: stackFile.metadata.name,
              secret: secret.metadata.name,
            }),
          },
        },
      },
      child,
    );
    if (args.monitoring !== undefined) {
      const watched = {
        pods: { namespace, matchLabels: selector },
        endpoints: [{ port: "http", path: "/metrics" }],
      };
      podMonitor(`${name}-monitor`, { ...args.monitoring, name: fullName, namespace, ...watched }, child);
    }
    new PodDisruptionBudget(
      `${name}-disruption-budget`,
      {
        metadata,
        // Only who acts counts as available: to keep one would stop the drain of its node for ever. The other takes over.
        spec: { minAvailable: 0, selector: { matchLabels: selector } },
      },
      child,
    );

    this.registerOutputs({});
  }

  private allow(
    name: string,
    metadata: types.input.meta.v1.ObjectMeta,
    namespace: pulumi.Input<string>,
    rules: types.input.rbac.v1.PolicyRule[],
    { metadata: { name: account } }: ServiceAccount,
  ): void {
    const child = { parent: this };
    const role = new Role(`${name}-role`, { metadata, rules }, child);
    new RoleBinding(
      `${name}-role-binding`,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account, namespace }],
      },
      child,
    );
  }
}

/** Whether a standby or a proxy is ready. */
const readEndpoints: types.input.rbac.v1.PolicyRule = {
  apiGroups: ["discovery.k8s.io"],
  resources: ["endpointslices"],
  verbs: ["list"],
};

const roleRules: types.input.rbac.v1.PolicyRule[] = [
  {
    apiGroups: ["gateway.networking.k8s.io"],
    resources: ["httproutes"],
    // Watched while they are held.
    verbs: ["get", "list", "watch", "patch"],
  },
  readEndpoints,
  // What is made has no name yet that a rule could ask for.
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: [fullName],
    verbs: ["get", "patch"],
  },
];

/** The file of each secret. */
function secretFiles({
  alertToken,
  reportToken,
  githubToken,
  chatUrl,
}: GuardSecrets): Record<string, string> {
  return {
    "alert-token": alertToken,
    "report-token": reportToken,
    "github-token": githubToken,
    ...(chatUrl !== undefined && { "chat-url": chatUrl }),
  };
}

function networkPolicy(
  selector: Readonly<Record<string, string>>,
  { prometheus, peers, legacyPorts }: GuardDeploymentArgs,
): types.input.networking.v1.NetworkPolicySpec {
  const monitoring = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": prometheus.namespace } },
  };
  const prometheusPort = Number(new URL(prometheus.url).port || 80);
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress", "Egress"],
    // Alertmanager, Prometheus, and whoever in this namespace takes the users' reports.
    ingress: [{ from: [monitoring, { podSelector: {} }], ports: [{ port: "http" }] }],
    egress: [
      { to: peers.controlPlaneCidrs.map((cidr) => ({ ipBlock: { cidr } })), ports: [{ port: 443 }] },
      { to: [...peers.gateway], ports: [{ port: peers.gatewayPort }] },
      {
        to: [{ ipBlock: { cidr: `${peers.legacyHost}/32` } }],
        ports: legacyPorts.map((each) => ({ port: each })),
      },
      { to: [monitoring], ports: [{ port: prometheusPort }] },
      clusterDns,
      // GitHub, and the chat.
      publicHttps,
    ],
  };
}

interface PodNames {
  readonly serviceAccountName: pulumi.Input<string>;
  readonly kubeconfig: pulumi.Input<string>;
  readonly stackFile: pulumi.Input<string>;
  readonly secret: pulumi.Input<string>;
}

function podSpec(
  { image, stack, repository, prometheus, namespace, secrets }: GuardDeploymentArgs,
  selector: Readonly<Record<string, string>>,
  names: PodNames,
): types.input.core.v1.PodSpec {
  const probe = (path: string): types.input.core.v1.Probe => ({
    httpGet: { path, port: "http" },
    periodSeconds: 2,
    failureThreshold: 3,
  });
  return {
    serviceAccountName: names.serviceAccountName,
    ...restrictedPodOf(user),
    terminationGracePeriodSeconds: graceSeconds,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
      },
    ],
    containers: [
      {
        name: "guard",
        image,
        args: ["guard", "--config-file", `${configFolder}/stack/Pulumi.${stack}.yaml`],
        env: [
          { name: "PULUMI_STACK", value: stack },
          { name: "KUBECONFIG", value: `${configFolder}/cluster/kubeconfig` },
          { name: "GUARD_HOST", value: "0.0.0.0" },
          { name: "GUARD_PORT", value: String(port) },
          { name: "GUARD_LEASE", value: pulumi.interpolate`${namespace}/${fullName}` },
          { name: "GUARD_PROMETHEUS", value: prometheus.url },
          { name: "GUARD_REPOSITORY", value: repository },
          { name: "GUARD_ALERT_TOKEN_FILE", value: `${secretFolder}/alert-token` },
          { name: "GUARD_REPORT_TOKEN_FILE", value: `${secretFolder}/report-token` },
          { name: "GUARD_GITHUB_TOKEN_FILE", value: `${secretFolder}/github-token` },
          ...(secrets.chatUrl === undefined
            ? []
            : [{ name: "GUARD_CHAT_URL_FILE", value: `${secretFolder}/chat-url` }]),
        ],
        ports: [{ name: "http", containerPort: port }],
        startupProbe: { ...probe("/healthz"), failureThreshold: 30 },
        readinessProbe: probe("/readyz"),
        livenessProbe: { ...probe("/healthz"), periodSeconds: 10 },
        resources: {
          requests: { cpu: "50m", memory: "128Mi" },
          limits: { cpu: "1", memory: "256Mi" },
        },
        securityContext: restrictedContainer,
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          { name: "stack", mountPath: `${configFolder}/stack`, readOnly: true },
          { name: "cluster", mountPath: `${configFolder}/cluster`, readOnly: true },
          { name: "secrets", mountPath: secretFolder, readOnly: true },
          { name: "api", mountPath: apiFolder, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "tmp", emptyDir: {} },
      { name: "stack", configMap: { name: names.stackFile } },
      { name: "cluster", configMap: { name: names.kubeconfig } },
      { name: "secrets", secret: { secretName: names.secret, defaultMode: 0o440 } },
      {
        name: "api",
        // Its own, and not the one of every pod: it is the only one that talks to the API server.
        projected: {
          defaultMode: 0o440,
          sources: [
            // A route is held with the token of when that began, for longer than the workflow may take.
            { serviceAccountToken: { expirationSeconds: 86_400, path: "token" } },
            { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          ],
        },
      },
    ],
  };
}

/** How it reaches the API server: no secret, the token is a file of the pod. */
const inCluster = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "in-cluster",
  clusters: [
    {
      name: "in-cluster",
      cluster: { server: "https://kubernetes.default.svc", "certificate-authority": `${apiFolder}/ca.crt` },
    },
  ],
  contexts: [{ name: "in-cluster", context: { cluster: "in-cluster", user: "guard" } }],
  users: [{ name: "guard", user: { tokenFile: `${apiFolder}/token` } }],
});
