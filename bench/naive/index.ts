import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

// About as many resources as the real stack has, so that the two can be compared. No replicas: it needs no capacity.

const targets = [
  "frontend",
  "api-gateway",
  "auth-service",
  "llm-orchestrator",
  "mcp-server",
  "airtable-gateway",
  "automation",
  "infrastructure",
  "docs",
];
const backends = ["legacy", "blue", "green"];
const frontendBlue = new pulumi.Config().requireNumber("frontendBlue");

const namespace = new k8s.core.v1.Namespace("naive", { metadata: { name: "naive" } });

for (const target of targets) {
  const account = new k8s.core.v1.ServiceAccount(target, {
    metadata: { name: target, namespace: namespace.metadata.name },
  });
  const services = backends.map((backend) => {
    const name = `${target}-${backend}`;
    const labels = { app: name };
    new k8s.apps.v1.Deployment(name, {
      metadata: { name, namespace: namespace.metadata.name, labels },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: account.metadata.name,
            containers: [
              {
                name: "service",
                image: `localhost/pyairtable-${target}:1.0.0`,
                ports: [{ name: "http", containerPort: 9898 }],
                readinessProbe: { httpGet: { path: "/readyz", port: "http" } },
              },
            ],
          },
        },
      },
    });
    new k8s.policy.v1.PodDisruptionBudget(name, {
      metadata: { name, namespace: namespace.metadata.name, labels },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    });
    new k8s.networking.v1.NetworkPolicy(name, {
      metadata: { name, namespace: namespace.metadata.name, labels },
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ["Ingress"],
        ingress: [{ ports: [{ port: 9898 }] }],
      },
    });
    return new k8s.core.v1.Service(name, {
      metadata: {
        name,
        namespace: namespace.metadata.name,
        labels,
        // Without pods it would never be ready.
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: { selector: labels, ports: [{ name: "http", port: 9898, targetPort: "http" }] },
    });
  });
  const blue = target === "frontend" ? frontendBlue : 0;
  const weights = [100 - blue, blue, 0];
  new k8s.apiextensions.CustomResource(`${target}-route`, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: target, namespace: namespace.metadata.name },
    spec: {
      parentRefs: [{ name: "pyairtable", namespace: "pyairtable" }],
      hostnames: [`${target}.naive.localhost`],
      rules: [
        {
          backendRefs: services.map((service, index) => ({
            name: service.metadata.name,
            port: 9898,
            weight: weights[index],
          })),
        },
      ],
    },
  });
}
