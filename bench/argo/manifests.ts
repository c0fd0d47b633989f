import { catalogEntry } from "../../catalog";
import { gateway } from "../../local/platform/gateway";
import { type Version, peerService } from "../peerService";
import { target } from "../world";

export const namespace = "bench-argo";
export const name = "argo";
const { port } = catalogEntry(target);
/** As the local stack's file says of the target, so that both roll back to the same. */
export const replicas = 2;

/** As long as a rollback may want it warm; Argo's own default is 30 s. */
const scaleDownDelaySeconds = 3600;

const labels = { app: name };

export function podTemplate(version: Version): object {
  return {
    metadata: { labels },
    spec: {
      enableServiceLinks: false,
      containers: [peerService(name, version)],
    },
  };
}

const service = (role: string): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: `${name}-${role}`, namespace },
  spec: { selector: labels, ports: [{ name: "http", port, targetPort: "http" }] },
});

/** In the Gateway's namespace, because it takes routes from there only. */
export const route = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace: gateway.namespace },
  spec: {
    parentRefs: [{ name: gateway.name }],
    hostnames: [`${name}.localhost`],
    rules: [{ backendRefs: [{ name: `${name}-active`, namespace, port }] }],
  },
};

/** All objects, in the order in which they are to be made. */
export const manifests: readonly object[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  service("active"),
  service("preview"),
  {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: {
        blueGreen: {
          activeService: `${name}-active`,
          previewService: `${name}-preview`,
          autoPromotionEnabled: true,
          scaleDownDelaySeconds,
        },
      },
      template: podTemplate("legacy"),
    },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1beta1",
    kind: "ReferenceGrant",
    metadata: { name, namespace },
    spec: {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: gateway.namespace }],
      to: [{ group: "", kind: "Service" }],
    },
  },
  route,
];
