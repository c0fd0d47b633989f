import { catalogEntry } from "../../catalog";
import { serviceRole } from "../../cluster/names";
import { gateway } from "../../local/platform/gateway";
import { timingOf } from "../../monitoring/timing";
import { duration } from "../../monitoring/promql";
import { thresholdOf } from "../../monitoring/table";
import { type Version, peerService } from "../peerService";
import { target } from "../world";

/** In the Gateway's namespace, because it takes routes from there only, and Flagger makes its route beside the Canary. */
export const namespace = gateway.namespace;
export const name = "bench-flagger";
/** Of the labels of a pod, the one by which Flagger tells its primary from the candidate. */
export const selectorLabel = "app.kubernetes.io/instance";
const { port } = catalogEntry(target);
/** What its Service for the candidate is called by Contour, in Envoy's statistics. */
export const candidateCluster = `${namespace}_${name}-canary_${port}`;
/** As the local stack's file says of the target. */
const replicas = 2;

const selector = { [selectorLabel]: name };

/** Flagger's own shortest. */
const interval = "10s";
/**
 * Nearly all at the first step, as a cutover; then a percent more with each, because Flagger promotes once it has
 * given all: the candidate has to fail before that.
 */
const stepWeights = [95, 96, 97, 98, 99, 100];

/** @param revision what is new about it */
export function podTemplate(version: Version, revision: number): object {
  const service = peerService(name, version);
  return {
    metadata: { labels: { ...selector, ...serviceRole } },
    spec: {
      enableServiceLinks: false,
      // The namespace asks for it.
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          ...service,
          env: [...service.env, { name: "REVISION", value: String(revision) }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          // Where the stand-in keeps what it was told to do wrong.
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        },
      ],
      volumes: [{ name: "tmp", emptyDir: {} }],
    },
  };
}

/** All objects that Flagger makes its own from. @param query of the share of failed answers, 0 to 1 */
export function manifests(prometheus: string, query: string): readonly object[] {
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels: selector },
      spec: { replicas, selector: { matchLabels: selector }, template: podTemplate("legacy", 0) },
    },
    {
      apiVersion: "flagger.app/v1beta1",
      kind: "MetricTemplate",
      metadata: { name, namespace },
      spec: { provider: { type: "prometheus", address: prometheus }, query },
    },
    {
      apiVersion: "flagger.app/v1beta1",
      kind: "Canary",
      metadata: { name, namespace },
      spec: {
        targetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        progressDeadlineSeconds: 120,
        service: {
          port,
          targetPort: port,
          hosts: [`${name}.localhost`],
          gatewayRefs: [{ name: gateway.name, namespace: gateway.namespace }],
        },
        analysis: {
          interval,
          threshold: 1,
          stepWeights,
          metrics: [
            {
              name: "errors",
              templateRef: { name },
              interval: duration(timingOf().windowMs),
              thresholdRange: { max: thresholdOf("ErrorRateTooHigh") },
            },
          ],
        },
      },
    },
  ];
}
