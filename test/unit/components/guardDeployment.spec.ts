import assert from "node:assert/strict";
import { GuardDeployment, type GuardDeploymentArgs } from "../../../components/guardDeployment";
import { timingOf } from "../../../monitoring/timing";
import { type Recording, record } from "../support/recording";

const image = `registry/guard@sha256:${"a".repeat(64)}`;

function argsOf(changes: Partial<GuardDeploymentArgs>): GuardDeploymentArgs {
  return {
    namespace: "apps",
    stack: "prod",
    image,
    repository: "team/platform",
    prometheus: { namespace: "monitoring", url: "http://prometheus.monitoring:9090" },
    stackFile: "config: {}\n",
    secrets: { alertToken: "a-1", reportToken: "r-1", githubToken: "g-1", chatUrl: "https://chat/c-1" },
    peers: {
      gateway: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "projectcontour" } } }],
      gatewayPort: 8080,
      controlPlaneCidrs: ["10.10.0.0/20"],
      legacyHost: "10.10.0.10",
    },
    legacyPorts: [9101, 9102],
    ...changes,
  };
}

function guard(changes: Partial<GuardDeploymentArgs> = {}): Promise<Recording> {
  const args = argsOf({ proxyNamespace: "projectcontour", ...changes });
  return record(() => new GuardDeployment("guard", args));
}

const labels = { "app.kubernetes.io/name": "guard", "app.kubernetes.io/part-of": "pyairtable" };
const selector = { "app.kubernetes.io/name": "guard" };
const metadata = { name: "guard", namespace: "apps", labels };
const endpoints = { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"] };

describe("GuardDeployment", () => {
  it("is made of these, and no more", async () => {
    const made = await guard();
    assert.deepEqual(made.failures, []);
    assert.deepEqual(made.names(), [
      "guard",
      "guard-deployment",
      "guard-disruption-budget",
      "guard-kubeconfig",
      "guard-network-policy",
      "guard-proxies-role",
      "guard-proxies-role-binding",
      "guard-role",
      "guard-role-binding",
      "guard-secrets",
      "guard-service",
      "guard-service-account",
      "guard-stack-file",
    ]);
  });

  it("is scraped where the operator is, by which users' reports become an alert", async () => {
    const made = await guard({ monitoring: { timing: timingOf() } });
    assert.deepEqual(made.inputs("guard-monitor"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: "guard", namespace: "apps", labels: { "app.kubernetes.io/part-of": "pyairtable" } },
      spec: {
        namespaceSelector: { matchNames: ["apps"] },
        selector: { matchLabels: selector },
        podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "5s", scrapeTimeout: "5s" }],
      },
    });
  });

  it("may write routes and its own lease, read who is ready, and nothing else", async () => {
    const made = await guard();
    assert.deepEqual(made.inputs("guard-role"), {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [
        {
          apiGroups: ["gateway.networking.k8s.io"],
          resources: ["httproutes"],
          verbs: ["get", "list", "watch", "patch"],
        },
        endpoints,
        { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
        {
          apiGroups: ["coordination.k8s.io"],
          resources: ["leases"],
          resourceNames: ["guard"],
          verbs: ["get", "patch"],
        },
      ],
    });
    const { metadata: there, rules } = made.inputs("guard-proxies-role");
    assert.deepEqual(there, { name: "guard-proxies", namespace: "projectcontour", labels });
    assert.deepEqual(rules, [endpoints]);
    for (const name of ["guard-role-binding", "guard-proxies-role-binding"]) {
      assert.deepEqual(made.inputs(name)["subjects"], [
        { kind: "ServiceAccount", name: "guard", namespace: "apps" },
      ]);
    }
    assert.equal(made.inputs("guard-service-account")["automountServiceAccountToken"], false);
  });

  it("has no role where the proxies are no pods", async () => {
    const made = await record(() => new GuardDeployment("guard", argsOf({})));
    assert.deepEqual(
      made.ofType("kubernetes:rbac.authorization.k8s.io/v1:Role").map(({ name }) => name),
      ["guard-role"],
    );
  });

  it("runs two restricted pods, of which one is ready", async () => {
    const made = await guard();
    const probe = { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 2, failureThreshold: 3 };
    const folder = "/var/run/secrets/guard";
    const api = "/var/run/secrets/kubernetes.io/serviceaccount";
    const { name: secretName } = made.inputs("guard-secrets")["metadata"] as { name: string };
    const { name: kubeconfig } = made.inputs("guard-kubeconfig")["metadata"] as { name: string };
    assert.deepEqual(made.inputs("guard-deployment"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { ...metadata, annotations: { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" } },
      spec: {
        replicas: 2,
        strategy: { type: "Recreate" },
        selector: { matchLabels: selector },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "guard",
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              seccompProfile: { type: "RuntimeDefault" },
            },
            terminationGracePeriodSeconds: 30,
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
                args: ["guard", "--config-file", "/etc/guard/stack/Pulumi.prod.yaml"],
                env: [
                  { name: "PULUMI_STACK", value: "prod" },
                  { name: "KUBECONFIG", value: "/etc/guard/cluster/kubeconfig" },
                  { name: "GUARD_HOST", value: "0.0.0.0" },
                  { name: "GUARD_PORT", value: "9120" },
                  { name: "GUARD_LEASE", value: "apps/guard" },
                  { name: "GUARD_PROMETHEUS", value: "http://prometheus.monitoring:9090" },
                  { name: "GUARD_REPOSITORY", value: "team/platform" },
                  { name: "GUARD_ALERT_TOKEN_FILE", value: `${folder}/alert-token` },
                  { name: "GUARD_REPORT_TOKEN_FILE", value: `${folder}/report-token` },
                  { name: "GUARD_GITHUB_TOKEN_FILE", value: `${folder}/github-token` },
                  { name: "GUARD_CHAT_URL_FILE", value: `${folder}/chat-url` },
                ],
                ports: [{ name: "http", containerPort: 9120 }],
                startupProbe: { ...probe, failureThreshold: 30 },
                readinessProbe: { ...probe, httpGet: { path: "/readyz", port: "http" } },
                livenessProbe: { ...probe, periodSeconds: 10 },
                resources: {
                  requests: { cpu: "50m", memory: "128Mi" },
                  limits: { cpu: "1", memory: "256Mi" },
                },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
                volumeMounts: [
                  { name: "tmp", mountPath: "/tmp" },
                  { name: "stack", mountPath: "/etc/guard/stack", readOnly: true },
                  { name: "cluster", mountPath: "/etc/guard/cluster", readOnly: true },
                  { name: "secrets", mountPath: folder, readOnly: true },
                  { name: "api", mountPath: api, readOnly: true },
                ],
              },
            ],
            volumes: [
              { name: "tmp", emptyDir: {} },
              { name: "stack", configMap: { name: "guard-stack-file" } },
              { name: "cluster", configMap: { name: kubeconfig } },
              { name: "secrets", secret: { secretName, defaultMode: 0o440 } },
              {
                name: "api",
                projected: {
                  defaultMode: 0o440,
                  sources: [
                    { serviceAccountToken: { expirationSeconds: 86_400, path: "token" } },
                    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
                  ],
                },
              },
            ],
          },
        },
      },
    });
  });

  it("lets every node be drained", async () => {
    const spec = (await guard()).inputs("guard-disruption-budget")["spec"];
    assert.deepEqual(spec, { minAvailable: 0, selector: { matchLabels: selector } });
  });

  it("has its secrets in files from an immutable Secret, and nowhere in clear", async () => {
    const made = await guard();
    const { immutable, stringData } = made.inputs("guard-secrets");
    assert.equal(immutable, true);
    assert.deepEqual(stringData, {
      "[secret]": {
        "alert-token": "a-1",
        "report-token": "r-1",
        "github-token": "g-1",
        "chat-url": "https://chat/c-1",
      },
    });
    const others = made.resources.filter(({ name }) => name !== "guard-secrets");
    assert.doesNotMatch(JSON.stringify(others), /\b[argc]-1\b/);
  });

  it("reaches what it needs and is reached by who may", async () => {
    const monitoring = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
    };
    const made = await guard();
    const { ingress, egress, podSelector, policyTypes } = made.inputs("guard-network-policy")["spec"] as {
      readonly [key: string]: unknown;
      readonly egress: readonly unknown[];
    };
    assert.deepEqual([podSelector, policyTypes], [{ matchLabels: selector }, ["Ingress", "Egress"]]);
    assert.deepEqual(ingress, [{ from: [monitoring, { podSelector: {} }], ports: [{ port: "http" }] }]);
    assert.deepEqual(egress.slice(0, 4), [
      { to: [{ ipBlock: { cidr: "10.10.0.0/20" } }], ports: [{ port: 443 }] },
      {
        to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "projectcontour" } } }],
        ports: [{ port: 8080 }],
      },
      { to: [{ ipBlock: { cidr: "10.10.0.10/32" } }], ports: [{ port: 9101 }, { port: 9102 }] },
      { to: [monitoring], ports: [{ port: 9090 }] },
    ]);
    assert.equal(egress.length, 6);
  });

  it("doesn't restart its pods when a cutover changes the stack file", async () => {
    const [before, after] = [await guard(), await guard({ stackFile: "config: { other: 1 }\n" })];
    assert.notDeepEqual(after.inputs("guard-stack-file"), before.inputs("guard-stack-file"));
    assert.deepEqual(after.inputs("guard-deployment"), before.inputs("guard-deployment"));
  });
});
