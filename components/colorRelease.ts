import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2";
import { ConfigMap, Secret, Service, ServiceAccount } from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTarget } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { waitUntilReady } from "../cluster/readiness";
import type { Color } from "../migration";
import { notAwaited } from "./awaiting";
import type { DatabaseClient } from "./databaseAccess";
import { gate, warnOf } from "./gate";
import { hashedName, secretName } from "./hashedName";
import { type InternalCalls, callSettings } from "./internalCalls";
import { backendLabels, backendName, serviceRole } from "../cluster/names";
import { type ReleasePeers, releasePolicy } from "./releasePolicy";
import { type ReleasePod, releasePod } from "./releasePod";
import { workloadSettings } from "./workloadSettings";

/** Replicas above the capacity, under load. */
export interface Autoscale {
  /** The most replicas; at least the capacity. */
  readonly max: number;
  /** Mean use of the requested CPU that the scaler aims at, in percent. */
  readonly cpuPercent: number;
}

/** What runs in a colour. */
export interface Release {
  /** By digest, so that what was tested is what runs. */
  readonly image: string;
  /** Replicas while it may get traffic, and the least that a scaler leaves. */
  readonly capacity: number;
  /** @default no scaler */
  readonly autoscale?: Autoscale;
  /** Environment variables. */
  readonly settings: Readonly<Record<string, string>>;
  /** Environment variables that nobody may read, kept as a secret. Their hash is in a name, so they are known in a preview. */
  readonly secrets: Readonly<Record<string, string>>;
  /** How long a pod may take to become ready, in seconds, before the update fails. */
  readonly readyWithinSeconds: number;
}

/** A release that runs, for what must wait for it or run beside it. */
export interface RunningRelease extends Pick<ReleasePod, "pod" | "container"> {
  /** Resolves when it is ready at full capacity, and fails the update when it isn't in time. */
  readonly ready: pulumi.Output<string>;
}

export interface ColorReleaseArgs {
  target: RoutedTarget;
  color: Color;
  namespace: pulumi.Input<string>;
  /** @default nothing runs: only the Service is there, because the route names it */
  release?: Release;
  /** What a change must wait for: the proof for a colour that loses all its traffic, a step for one that has none. @default nothing */
  changeAfter?: pulumi.Output<unknown>;
  /** False for a colour that is losing traffic: that it isn't ready may be why, and must not fail the way back. @default true */
  mustBeReady?: boolean;
  /** A Secret that all of the target's backends share. @default none */
  sharedSecret?: pulumi.Input<string>;
  /** The target's own database. @default none: it uses the monorepo's, or keeps no data */
  database?: DatabaseClient;
  /** How it reaches the targets that it calls. */
  calls: InternalCalls;
  peers: ReleasePeers;
  api: KubeApi;
}

/** One extracted release of a target, complete in itself: nothing of it is shared with the other colour. */
export class ColorRelease extends pulumi.ComponentResource {
  /** What a route may name, running or not. */
  readonly service: Service;
  /** What runs; undefined without a release. */
  readonly running: RunningRelease | undefined;

  constructor(name: string, args: ColorReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ColorRelease", name, {}, opts);

    const { target, color, namespace, release } = args;
    const fullName = backendName(target.name, color);
    const labels = backendLabels(target.name, color);
    const selector = { "app.kubernetes.io/instance": fullName, ...serviceRole };
    const child = { parent: this };

    this.service = new Service(
      `${name}-service`,
      {
        metadata: {
          name: fullName,
          namespace,
          labels,
          // The route names it whether or not pods are behind it.
          annotations: notAwaited,
        },
        spec: { selector, ports: [{ name: "http", port: target.port, targetPort: "http" }] },
      },
      child,
    );
    if (release === undefined) {
      this.registerOutputs({});
      return;
    }

    const serviceAccount = new ServiceAccount(
      `${name}-service-account`,
      { metadata: { name: fullName, namespace, labels }, automountServiceAccountToken: false },
      child,
    );

    const settings = { ...workloadSettings(target), ...callSettings(args.calls), ...release.settings };
    const configMap = new ConfigMap(
      `${name}-settings`,
      {
        metadata: { name: hashedName(fullName, settings), namespace, labels },
        immutable: true,
        data: settings,
      },
      child,
    );
    const secretNames: pulumi.Input<string>[] = [
      ...(args.sharedSecret === undefined ? [] : [args.sharedSecret]),
      ...(args.database === undefined ? [] : [args.database.credentials[color]]),
    ];
    if (Object.keys(release.secrets).length > 0) {
      const secret = new Secret(
        `${name}-secrets`,
        {
          metadata: { name: secretName(fullName, release.secrets), namespace, labels },
          immutable: true,
          stringData: pulumi.secret({ ...release.secrets }),
        },
        child,
      );
      secretNames.push(secret.metadata.name);
    }

    const { pod, container, podSpec } = releasePod({
      target,
      color,
      selector,
      image: release.image,
      serviceAccountName: serviceAccount.metadata.name,
      configMapName: configMap.metadata.name,
      secretNames,
      calls: args.calls,
    });

    const deploymentSpec: types.input.apps.v1.DeploymentSpec = {
      // A scaler that owns the replicas and a program that states them would undo each other.
      ...(release.autoscale === undefined && { replicas: release.capacity }),
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      progressDeadlineSeconds: release.readyWithinSeconds,
      template: { metadata: { labels: { ...labels, ...selector } }, spec: podSpec },
    };
    const deployment = new Deployment(
      `${name}-deployment`,
      {
        metadata: {
          name: fullName,
          namespace,
          labels,
          // The gate below waits, on every update, and knows the pods' own reasons.
          annotations: notAwaited,
        },
        spec: args.changeAfter?.apply(() => deploymentSpec) ?? deploymentSpec,
      },
      child,
    );
    const ready = gate(
      "ready",
      pulumi.all([deployment.id, namespace]),
      ([, readyNamespace]) => {
        const { capacity, readyWithinSeconds } = release;
        const wait = { namespace: readyNamespace, deployment: fullName, capacity };
        return (args.mustBeReady ?? true)
          ? waitUntilReady(args.api, { ...wait, withinSeconds: readyWithinSeconds })
          : warnOf(waitUntilReady(args.api, { ...wait, withinSeconds: 0 }), this);
      },
      this,
    );

    new PodDisruptionBudget(
      `${name}-disruption-budget`,
      {
        metadata: { name: fullName, namespace, labels },
        spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
      },
      child,
    );

    if (release.autoscale !== undefined) {
      new HorizontalPodAutoscaler(
        `${name}-scaler`,
        {
          metadata: { name: fullName, namespace, labels },
          spec: {
            scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name },
            minReplicas: release.capacity,
            maxReplicas: release.autoscale.max,
            metrics: [
              {
                type: "Resource",
                resource: {
                  name: "cpu",
                  target: { type: "Utilization", averageUtilization: release.autoscale.cpuPercent },
                },
              },
            ],
          },
        },
        child,
      );
    }

    new NetworkPolicy(
      `${name}-network-policy`,
      {
        metadata: { name: fullName, namespace, labels },
        spec: releasePolicy({
          podLabels: { "app.kubernetes.io/instance": fullName },
          target,
          peers: args.peers,
          ...(args.database && { database: args.database.peers }),
        }),
      },
      child,
    );

    this.running = { ready, pod, container };
    this.registerOutputs({});
  }
}
