import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTarget } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import type { Proxies } from "../cluster/proof";
import { smokeCheck } from "../cluster/smokeCheck";
import type { MonitoredTarget } from "../monitoring/monitoredTarget";
import {
  ALL_LEGACY,
  BACKENDS,
  type Backend,
  COLORS,
  type Color,
  type RouteRecord,
  consumerOf,
} from "../migration";
import { ColorRelease, type Release } from "./colorRelease";
import type { DatabaseClient } from "./databaseAccess";
import { gate, warnOf } from "./gate";
import { secretName } from "./hashedName";
import { LegacyBackend } from "./legacyBackend";
import { type TargetAddress, targetLabels } from "../cluster/names";
import type { InternalCalls } from "./internalCalls";
import { QueueConsumer } from "./queueConsumer";
import type { ReleasePeers } from "./releasePolicy";
import { SchemaMigration, type SchemaMigrationArgs } from "./schemaMigration";
import { ServiceMonitoring, type ServiceMonitoringArgs } from "./serviceMonitoring";
import { TrafficSplit } from "./trafficSplit";

export interface ExtractedServiceArgs extends TargetAddress {
  target: RoutedTarget;
  namespace: pulumi.Input<string>;
  /** The Gateway's name. */
  gateway: pulumi.Input<string>;
  /** IPv4 address where the monorepo's containers are reached. */
  legacyHost: string;
  /** What runs in each colour. @default nothing */
  releases: Readonly<Partial<Record<Color, Release>>>;
  /** The split wanted, and what the route says about it. */
  record: RouteRecord;
  /** What the live route holds. @default all on legacy, nothing running */
  live?: Held;
  /** Starts the monorepo's container, if it is stopped, when it is to be a way back or to get traffic. @default nobody */
  startLegacy?: () => Promise<void>;
  /** Doesn't touch the live route, which somebody else has changed. @default false */
  leaveRouteAlone?: boolean;
  /** The key that signs tokens, for a target whose backends share one. @default none */
  signingKey?: string;
  /** The step of its schema that its releases need. @default none */
  step?: SchemaStepArgs;
  /** Its own. @default none: it uses the monorepo's, or keeps no data */
  database?: DatabaseClient;
  /** How every replica of the proxy is asked whether it serves a split. */
  proxies: Proxies;
  /** How the releases reach the targets that they call. */
  calls: InternalCalls;
  /** Whom the releases talk with. */
  peers: ReleasePeers;
  /** How it is watched, beside what is known here. @default not at all */
  monitoring?: Watched;
  api: KubeApi;
}

/** A step of a target's schema, beside what is known here. */
export type SchemaStepArgs = Omit<SchemaMigrationArgs, "target" | "namespace" | "api">;

/** How a target is watched. */
export interface Watched
  extends Pick<ServiceMonitoringArgs, "rules">, Omit<MonitoredTarget, "target" | "record"> {
  /** Resolves when the operator is there. @default it is, or isn't needed */
  readonly operator?: pulumi.Output<unknown>;
}

/**
 * One target on its way out of the monorepo: its three backends and the split between them. The order inside an
 * update: whatever gains traffic is ready, passes its smoke check; the route; the proof; the rest.
 */
export class ExtractedService extends pulumi.ComponentResource {
  /** The hash of the split, once the data plane is proven to serve it. */
  readonly proven: pulumi.Output<string>;
  /** Resolves when its schema has gone through the step; undefined without one. */
  readonly migrated: pulumi.Output<string> | undefined;

  constructor(name: string, args: ExtractedServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ExtractedService", name, {}, opts);

    const { target, namespace, record, api, legacyHost } = args;
    const child = { parent: this };
    const signingKey =
      args.signingKey === undefined ? undefined : this.signingKeySecret(name, args, args.signingKey);
    // Also once it is retired: a data plane that meets it for the first time with traffic on it loses requests.
    const legacy = new LegacyBackend(`${name}-legacy`, { target, namespace, host: legacyHost }, child);
    const live: Held = args.live ?? { split: ALL_LEGACY, images: {} };
    const liveSplit = live.split;
    const [proven, resolveProven] = pulumi.deferredOutput<string>();
    const step =
      args.step &&
      new SchemaMigration(
        `${name}-schema`,
        {
          ...args.step,
          target: target.name,
          namespace,
          ...(args.database && { after: args.database.credentials.legacy }),
          api,
        },
        child,
      );
    // A way back waits for no step, and what has traffic runs with the schema as it is.
    const stepDone = args.step?.mustSucceed === false ? undefined : step?.done;
    this.migrated = step?.done;
    const release = (color: Color): ColorRelease => {
      const wanted = args.releases[color];
      return new ColorRelease(
        `${name}-${color}`,
        {
          target,
          color,
          namespace,
          calls: args.calls,
          peers: args.peers,
          ...(args.database && { database: args.database }),
          api,
          ...(wanted && { release: wanted }),
          mustBeReady: !isLosing(color, record, live),
          ...(hasLostAll(color, record, live)
            ? { changeAfter: proven }
            : stepDone && liveSplit[color] === 0 && { changeAfter: stepDone }),
          // One that signs with a key of its own stays as it is when the shared one changes.
          ...(signingKey && wanted?.secrets.SIGNING_KEY === undefined && { sharedSecret: signingKey }),
        },
        child,
      );
    };
    const colors = { blue: release("blue"), green: release("green") };
    const running = {
      ...(colors.blue.running && { blue: colors.blue.running }),
      ...(colors.green.running && { green: colors.green.running }),
    };

    const gaining = BACKENDS.filter((backend) => record.split[backend] > liveSplit[backend]);
    const gainingColors = COLORS.filter((color) => gaining.includes(color));
    // A route says that a contract step is done when it is.
    const routeTellsStep = record.contracted !== undefined && record.contracted !== live.contracted;
    const gainingReady = [
      ...gainingColors.map((color) => running[color]?.ready),
      ...(gainingColors.length > 0 || routeTellsStep ? [stepDone] : []),
    ];
    const smoke = async (backends: readonly Backend[], inNamespace: string): Promise<void> => {
      const check = { target, namespace: inNamespace, legacyHost };
      await Promise.all(backends.map((backend) => smokeCheck(api, { ...check, backend })));
    };
    const checked = gate(
      "passed",
      pulumi.all(gainingReady).apply(() => pulumi.output(namespace)),
      async (readyNamespace) => {
        // Its smoke check decides: one that serves already needs no daemon that answers.
        if (args.startLegacy && isCalledBack(record, live)) await warnOf(args.startLegacy(), this);
        await smoke(gaining, readyNamespace);
      },
      this,
    );

    const traffic = new TrafficSplit(
      `${name}-traffic`,
      {
        target,
        namespace,
        gateway: args.gateway,
        hostname: args.hostname,
        internalHostname: args.internalHostname,
        https: args.https,
        record,
        after: checked,
        leaveAlone: args.leaveRouteAlone ?? false,
        proxies: args.proxies,
        api,
      },
      // Not the whole releases: a colour that gets no traffic must not hold up one that does.
      { ...child, dependsOn: [...legacy.routable, colors.blue.service, colors.green.service] },
    );
    resolveProven(traffic.proven);
    this.proven = traffic.proven;

    // What has traffic already is checked too, on every update, but stands in nobody's way: not even its own rollback's.
    const standing = BACKENDS.filter((backend) => record.split[backend] > 0 && !gaining.includes(backend));
    gate(
      "checked",
      traffic.proven.apply(() => pulumi.output(namespace)),
      (readyNamespace) => warnOf(smoke(standing, readyNamespace), this),
      this,
    );

    if (target.workload.kind === "consumer") {
      new QueueConsumer(
        `${name}-consumer`,
        {
          target,
          namespace,
          consumer: consumerOf(record),
          releases: running,
          legacy: record.legacy === "standby" ? { host: legacyHost } : undefined,
          after: traffic.proven,
          api,
        },
        child,
      );
    }

    if (args.monitoring !== undefined) {
      const { rules, operator, ...watched } = args.monitoring;
      const after = pulumi.all([traffic.proven, operator]);
      new ServiceMonitoring(
        `${name}-monitoring`,
        { namespace, rules, monitored: { ...watched, target, record }, after },
        child,
      );
    }

    this.registerOutputs({ proven: this.proven });
  }

  private signingKeySecret(
    name: string,
    { target, namespace }: ExtractedServiceArgs,
    key: string,
  ): pulumi.Output<string> {
    const content = { SIGNING_KEY: key };
    const secret = new Secret(
      `${name}-signing-key`,
      {
        metadata: {
          name: secretName(`${target.name}-signing-key`, content),
          namespace,
          labels: targetLabels(target.name),
        },
        immutable: true,
        stringData: pulumi.secret(content),
      },
      { parent: this },
    );
    return secret.metadata.name;
  }
}

type Held = Pick<RouteRecord, "split" | "images"> & Partial<Pick<RouteRecord, "legacy" | "contracted">>;

/** In this update, or in the transition before it, whose proof may have been interrupted. */
function hasLostAll(color: Color, record: RouteRecord, live: Held): boolean {
  return record.split[color] === 0 && (live.split[color] > 0 || record.previous[color] > 0);
}

/** Legacy gets traffic that it doesn't have, or is no longer retired. */
function isCalledBack(record: RouteRecord, live: Held): boolean {
  const isUnretired = live.legacy === "retired" && record.legacy === "standby";
  return isUnretired || record.split.legacy > live.split.legacy;
}

/** What loses its traffic, or has just lost it by the fast road, must not hold up its own rollback. */
function isLosing(color: Color, record: RouteRecord, live: Held): boolean {
  const isUnchanged = record.images[color] === live.images[color];
  return record.split[color] < live.split[color] || (hasLostAll(color, record, live) && isUnchanged);
}
