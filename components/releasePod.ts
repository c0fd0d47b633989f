import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Probe, RoutedTarget } from "../catalog";
import type { Color } from "../migration";
import { type InternalCalls, callAliases } from "./internalCalls";
import { restrictedContainer, restrictedPod } from "./restricted";

/** Time for every proxy to learn that an endpoint is going; until then a pod that is to end still answers. */
const endpointPropagationSeconds = 15;
/** After its longest request a pod gets this long to end by itself. */
const shutdownSeconds = 5;

export interface ReleasePodArgs {
  readonly target: RoutedTarget;
  readonly color: Color;
  /** Labels that select the release's serving pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly image: string;
  readonly serviceAccountName: pulumi.Input<string>;
  readonly configMapName: pulumi.Input<string>;
  /** Secrets whose keys become environment variables, later ones over earlier ones. */
  readonly secretNames: readonly pulumi.Input<string>[];
  readonly calls: InternalCalls;
}

export interface ReleasePod {
  /** The pod without containers, and the one container without what serves: all that a consumer shares with it. */
  readonly pod: Omit<types.input.core.v1.PodSpec, "containers">;
  readonly container: Omit<types.input.core.v1.Container, "name">;
  /** The pod that serves. */
  readonly podSpec: types.input.core.v1.PodSpec;
}

/** A release's pod: restricted, without a token, and with time to finish its longest request. */
export function releasePod(args: ReleasePodArgs): ReleasePod {
  const { target } = args;
  const container: ReleasePod["container"] = {
    image: args.image,
    env: [
      { name: "PYAIRTABLE_TARGET", value: target.name },
      { name: "PYAIRTABLE_BACKEND", value: args.color },
      { name: "PORT", value: String(target.port) },
    ],
    envFrom: [
      { configMapRef: { name: args.configMapName } },
      ...args.secretNames.map((name) => ({ secretRef: { name } })),
    ],
    resources: target.resources,
    securityContext: restrictedContainer,
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
  const pod: ReleasePod["pod"] = {
    serviceAccountName: args.serviceAccountName,
    ...restrictedPod,
    terminationGracePeriodSeconds:
      endpointPropagationSeconds + target.longestRequestSeconds + shutdownSeconds,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: args.selector },
      },
    ],
    volumes: [{ name: "tmp", emptyDir: {} }],
    ...callAliases(args.calls),
  };
  const podSpec: ReleasePod["podSpec"] = {
    ...pod,
    containers: [
      {
        ...container,
        name: "service",
        ports: [{ name: "http", containerPort: target.port }],
        startupProbe: httpProbe(target.probes.startup),
        readinessProbe: httpProbe(target.probes.readiness),
        livenessProbe: httpProbe(target.probes.liveness),
        lifecycle: { preStop: { sleep: { seconds: endpointPropagationSeconds } } },
      },
    ],
  };
  return { pod, container, podSpec };
}

function httpProbe({ path, periodSeconds, failureThreshold }: Probe): types.input.core.v1.Probe {
  return { httpGet: { path, port: "http" }, periodSeconds, failureThreshold };
}
