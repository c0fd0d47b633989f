import { setTimeout as sleep } from "node:timers/promises";
import { contour, envoy, type DataPlane } from "../../local/platform/gateway";
import { kubectl, kubectlApply } from "../../local/platform/cluster";
import { hostAddress } from "../../local/platform/network";
import { ensurePart, stopParts } from "../../local/platform/processes";
import { tools } from "./world";

/** Where the stack files say that Envoy is to be found, as a Service of their cluster. */
const service = { namespace: "projectcontour", name: "envoy", port: 8080 };

/** Where a stack's Gateway is served, which pods reach too. */
export const dataPlaneAddress = { address: hostAddress, port: service.port };

/**
 * A second Contour and Envoy for the Gateway of another stack on the local cluster, so that the local stack stays as
 * it is, and the headless Service by which a stack looks up the proxy's replicas.
 */
export async function startDataPlane(namespace: string): Promise<void> {
  const plane = planeOf(namespace);
  await kubectlApply(await tools(), proxyService);
  await ensurePart(contour(await tools(), plane));
  await ensurePart(await envoy(await tools(), plane));
}

/** Ends it, and takes away all that the stack has left in the cluster. */
export async function stopDataPlane(namespace: string): Promise<void> {
  const { prefix } = planeOf(namespace);
  await stopParts([`${prefix}envoy`, `${prefix}contour`]);
  for (const name of [namespace, service.namespace]) await removeNamespace(name);
}

/** Also what an earlier test that was killed has left. */
export async function removeNamespace(name: string): Promise<void> {
  const kube = async (...args: string[]): Promise<string> => kubectl(await tools(), args);
  const gone = kube("delete", "namespace", name, "--ignore-not-found");
  // Nobody waits for their last requests.
  await sleep(1000);
  await kube("-n", name, "delete", "pods", "--all", "--force", "--grace-period=0");
  await gone;
}

function planeOf(namespace: string): DataPlane {
  return {
    prefix: "another-",
    gateway: { namespace, name: namespace },
    address: dataPlaneAddress.address,
    ports: {
      envoy: service.port,
      envoyAdmin: 9011,
      envoyStats: 8012,
      xds: 8011,
      contourHttp: 8013,
      contourHealth: 8014,
      contourDebug: 6061,
    },
  };
}

const proxyService = `
apiVersion: v1
kind: Namespace
metadata: {name: ${service.namespace}}
---
apiVersion: v1
kind: Service
metadata: {name: ${service.name}, namespace: ${service.namespace}}
spec:
  clusterIP: None
  ports: [{name: http, port: 80, targetPort: ${service.port}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${service.name}
  namespace: ${service.namespace}
  labels: {kubernetes.io/service-name: ${service.name}}
addressType: IPv4
ports: [{name: http, port: ${service.port}}]
endpoints: [{addresses: ["${hostAddress}"], conditions: {ready: true}}]
`;
