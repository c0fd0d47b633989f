import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, catalogEntry } from "../../../catalog";
import { ColorRelease, type ColorReleaseArgs } from "../../../components";
import { notAwaited } from "../../../components/awaiting";
import { hashedName, secretName } from "../../../components/hashedName";
import { type Recording, type RecordOptions, record } from "../support/recording";
import { type World, startWorld } from "../support/world";
import { noCalls, peers, release } from "./fixtures";

const labels = {
  "app.kubernetes.io/name": "frontend",
  "app.kubernetes.io/part-of": "pyairtable",
  "app.kubernetes.io/instance": "frontend-blue",
  "pyairtable.dev/backend": "blue",
};
const selector = { "app.kubernetes.io/instance": "frontend-blue", "pyairtable.dev/role": "service" };
const metadata = { name: "frontend-blue", namespace: "apps", labels };
const settings = { SESSION_COOKIE: "pyairtable-session", STATIC_ASSETS_PATH: "/_next/static" };
const settingsName = hashedName("frontend-blue", settings);

const podSpec = {
  serviceAccountName: "frontend-blue",
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  terminationGracePeriodSeconds: 50,
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: selector },
    },
  ],
  volumes: [{ name: "tmp", emptyDir: {} }],
  containers: [
    {
      name: "service",
      image: "registry/app:1",
      env: [
        { name: "PYAIRTABLE_TARGET", value: "frontend" },
        { name: "PYAIRTABLE_BACKEND", value: "blue" },
        { name: "PORT", value: "9898" },
      ],
      envFrom: [{ configMapRef: { name: settingsName } }],
      ports: [{ name: "http", containerPort: 9898 }],
      resources: {
        requests: { cpu: "10m", memory: "32Mi" },
        limits: { cpu: "500m", memory: "256Mi" },
      },
      startupProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1, failureThreshold: 60 },
      readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 2, failureThreshold: 2 },
      livenessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 10, failureThreshold: 3 },
      lifecycle: { preStop: { sleep: { seconds: 15 } } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    },
  ],
};

describe("ColorRelease", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
  });
  afterEach(() => world.close());

  function make(
    changes: Partial<ColorReleaseArgs> = {},
    options: RecordOptions = {},
    target: RoutedTargetName = "frontend",
  ): Promise<Recording> {
    const args = {
      target: catalogEntry(target),
      color: "blue",
      namespace: "apps",
      calls: noCalls,
      peers,
      api: world.api,
      ...changes,
    } as const;
    return record(() => new ColorRelease("it", args), options);
  }

  it("connects to the target's own database as itself, with its own settings over that", async () => {
    const names = { legacy: "of-legacy", blue: "of-blue", green: "of-green" };
    const credentials = {
      legacy: pulumi.output(names.legacy),
      blue: pulumi.output(names.blue),
      green: pulumi.output(names.green),
    };
    const database = { credentials, peers: [{ ipBlock: { cidr: "10.7.0.0/24" } }] };
    const made = await make({
      release: release({ secrets: { KEY: "v" } }),
      sharedSecret: "shared",
      database,
    });
    const deployment = JSON.stringify(made.inputs("it-deployment"));
    const own = await secretName("frontend-blue", { KEY: "v" });
    const envFrom = ["shared", "of-blue", own].map((name) => ({ secretRef: { name } }));
    assert.ok(deployment.includes(JSON.stringify(envFrom).slice(1, -1)), deployment);
    assert.match(JSON.stringify(made.inputs("it-network-policy")), /10\.7\.0\.0\/24/);
  });

  it("is a Service and nothing else without a release", async () => {
    const made = await make();
    assert.deepEqual(made.names(), ["it", "it-service"]);
    assert.deepEqual(made.inputs("it-service"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, annotations: notAwaited },
      spec: { selector, ports: [{ name: "http", port: 9898, targetPort: "http" }] },
    });
  });

  it("has the same Service with a release", async () => {
    const [without, withRelease] = [await make(), await make({ release: release() })];
    assert.deepEqual(withRelease.inputs("it-service"), without.inputs("it-service"));
  });

  it("is one of each kind, and neither a Secret nor a scaler unless asked for", async () => {
    const made = await make({ release: release() });
    assert.deepEqual(made.names(), [
      "it",
      "it-deployment",
      "it-disruption-budget",
      "it-network-policy",
      "it-service",
      "it-service-account",
      "it-settings",
    ]);
    assert.deepEqual(made.failures, []);
  });

  it("runs restricted pods that stop gracefully, without a token", async () => {
    const made = await make({ release: release() });
    assert.deepEqual(made.inputs("it-deployment"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { ...metadata, annotations: notAwaited },
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        progressDeadlineSeconds: 30,
        template: { metadata: { labels: { ...labels, ...selector } }, spec: podSpec },
      },
    });
    assert.deepEqual(made.inputs("it-service-account"), {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata,
      automountServiceAccountToken: false,
    });
  });

  it("leaves time for the longest stream of the orchestrator", async () => {
    const made = await make({ release: release() }, {}, "llm-orchestrator");
    const { spec } = deploymentSpec(made).template;
    assert.equal(spec.terminationGracePeriodSeconds, 15 + 300 + 5);
  });

  it("loses one pod at a time at most", async () => {
    const made = await make({ release: release() });
    assert.deepEqual(made.inputs("it-disruption-budget"), {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    });
  });

  it("is called by the data plane only, and calls only it and DNS", async () => {
    const made = await make({ release: release() });
    assert.deepEqual(made.inputs("it-network-policy"), {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata,
      spec: {
        podSelector: { matchLabels: { "app.kubernetes.io/instance": "frontend-blue" } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: peers.gateway, ports: [{ port: "http" }] }],
        egress: [
          { to: peers.gateway, ports: [{ port: 8080 }] },
          {
            to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } }],
            ports: [
              { port: 53, protocol: "UDP" },
              { port: 53, protocol: "TCP" },
            ],
          },
        ],
      },
    });
  });

  it("has the catalog's settings and its own in an immutable ConfigMap, its own first", async () => {
    const own = { LOG_LEVEL: "debug", SESSION_COOKIE: "other" };
    const made = await make({ release: release({ settings: own }) });
    const data = { ...settings, ...own };
    assert.deepEqual(made.inputs("it-settings"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...metadata, name: hashedName("frontend-blue", data) },
      immutable: true,
      data,
    });
  });

  it("tells the airtable-gateway the rate that all backends share, and automation its queue", async () => {
    const gateway = await make({ release: release() }, {}, "airtable-gateway");
    assert.deepEqual(gateway.inputs("it-settings")["data"], {
      RATE_LIMIT_PER_SECOND: "5",
      RATE_LIMIT_PER: "base",
    });
    const automation = await make({ release: release() }, {}, "automation");
    assert.deepEqual(automation.inputs("it-settings")["data"], { QUEUE: "automation" });
    const docs = await make({ release: release() }, {}, "docs");
    assert.deepEqual(docs.inputs("it-settings")["data"], {});
  });

  it("reaches the targets that it calls by their internal names, at the gateway", async () => {
    const calls = {
      gateway: { address: "198.51.100.80", port: 9110 },
      names: { "auth-service": "auth-service.apps.internal", "mcp-server": "mcp-server.apps.internal" },
    };
    const made = await make({ release: release(), calls }, {}, "api-gateway");
    assert.deepEqual(made.inputs("it-settings")["data"], {
      AUTH_SERVICE_URL: "http://auth-service.apps.internal:9110",
      MCP_SERVER_URL: "http://mcp-server.apps.internal:9110",
    });
    assert.deepEqual(deploymentSpec(made).template.spec.hostAliases, [
      { ip: "198.51.100.80", hostnames: ["auth-service.apps.internal", "mcp-server.apps.internal"] },
    ]);
  });

  it("has its own setting rather than the URL through the gateway", async () => {
    const calls = { ...noCalls, names: { "auth-service": "auth-service.apps.internal" } };
    const settings = { AUTH_SERVICE_URL: "http://elsewhere.example" };
    const made = await make({ release: release({ settings }), calls }, {}, "api-gateway");
    assert.deepEqual(made.inputs("it-settings")["data"], settings);
  });

  it("keeps secrets in an immutable Secret, and the shared one before its own", async () => {
    const secrets = { API_KEY: "s3cret" };
    const made = await make({ release: release({ secrets }), sharedSecret: "frontend-shared" });
    const name = await secretName("frontend-blue", secrets);
    assert.deepEqual(made.inputs("it-secrets"), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { ...metadata, name },
      immutable: true,
      stringData: { "[secret]": secrets },
    });
    assert.deepEqual(deploymentSpec(made).template.spec.containers[0]?.envFrom, [
      { configMapRef: { name: settingsName } },
      { secretRef: { name: "frontend-shared" } },
      { secretRef: { name } },
    ]);
    const elsewhere = made.resources.filter(({ name: each }) => each !== "it-secrets");
    assert(!JSON.stringify(elsewhere).includes("s3cret"));
  });

  it("states no replicas where a scaler owns them, and the scaler never goes below the capacity", async () => {
    const made = await make({ release: release({ capacity: 3, autoscale: { max: 9, cpuPercent: 70 } }) });
    assert(!("replicas" in deploymentSpec(made)));
    assert.deepEqual(made.inputs("it-scaler"), {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "frontend-blue" },
        minReplicas: 3,
        maxReplicas: 9,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
          },
        ],
      },
    });
  });

  it("changes only after what it must wait for", async () => {
    const [proven, resolve] = pulumi.deferredOutput<string>();
    let changed = false;
    setTimeout(() => {
      changed = true;
      resolve(pulumi.output("proven"));
    }, 50);
    const made = await make(
      { release: release(), changeAfter: proven },
      {
        onRegister: ({ name }) => {
          assert(changed || name !== "it-deployment", "the Deployment was changed too early");
        },
      },
    );
    assert.deepEqual(made.failures, []);
    assert.equal(made.ofType("kubernetes:apps/v1:Deployment").length, 1);
  });

  it("is shown in full in a preview, its secrets hidden", async () => {
    const args = { release: release({ secrets: { API_KEY: "s3cret" } }) };
    const update = await make(args);
    const preview = await make(args, { dryRun: true });
    assert.deepEqual(preview.names(), update.names());
    for (const name of update.names()) assert.deepEqual(preview.inputs(name), update.inputs(name));
  });

  it("waits for readiness on every update and never in a preview", async () => {
    const waits = (): number =>
      world.events.filter((event) => event.endsWith("/deployments/frontend-blue")).length;
    await make({ release: release() }, { dryRun: true });
    assert.equal(waits(), 0);
    await make({ release: release() });
    await make({ release: release() });
    assert.equal(waits(), 2);
  });
});

describe("hashedName", () => {
  it("is the same whatever the order of the content", () => {
    assert.equal(hashedName("x", { a: "1", b: "2" }), hashedName("x", { b: "2", a: "1" }));
  });

  it("differs for other content and another owner", () => {
    const names = [hashedName("x", { a: "1" }), hashedName("x", { a: "2" }), hashedName("y", { a: "1" })];
    assert.equal(new Set(names).size, 3);
  });
});

interface DeploymentSpec {
  readonly template: { readonly spec: PodSpec };
}
interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly hostAliases?: unknown;
  readonly containers: readonly { readonly envFrom: unknown }[];
}

function deploymentSpec(made: Recording): DeploymentSpec {
  const { spec } = made.inputs("it-deployment");
  assert(isDeploymentSpec(spec));
  return spec;
}

function isDeploymentSpec(spec: unknown): spec is DeploymentSpec {
  return typeof spec === "object" && spec !== null && "template" in spec;
}
