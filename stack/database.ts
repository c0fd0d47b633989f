import * as pulumi from "@pulumi/pulumi";
import type { Provider } from "@pulumi/kubernetes/provider";
import type { RoutedTargetName } from "../catalog";
import { DatabaseMonitoring, type DatabaseMonitoringArgs } from "../components/databaseMonitoring";
import type { Platform } from "../components/platform";
import { type InAws, type InCluster, ServiceDatabase } from "../components/serviceDatabase";
import type { DatabaseConfig, StackConfig, TargetConfig, Variables } from "../config/parse";
import { backendConnections } from "../database/connections";
import { passwordOf } from "../database/password";
import type { Color } from "../migration";
import { timingOf } from "../monitoring/timing";
import type { Cloud } from "./cloud";
import type { DatabaseOutputs } from "./outputs";

/** A target's own database, if it has one. */
export function buildDatabase(
  target: RoutedTargetName,
  config: StackConfig,
  cloud: Cloud,
  platform: Platform,
  provider: Provider,
): ServiceDatabase | undefined {
  const { [target]: wanted } = config.targets;
  const { database } = wanted;
  const { postgresql } = config;
  if (database === undefined || postgresql === undefined) return undefined;
  return new ServiceDatabase(
    `${target}-database`,
    {
      target,
      namespace: platform.namespace,
      instance: database.instance,
      kept: database.kept,
      mode: database.mode,
      secret: database.password,
      connections: backendConnections({ poolSize: database.poolSize, replicas: mostReplicas(wanted) }),
      image: postgresql.image,
      legacyHost: config.platform.legacyHost,
      host: hostOf(target, postgresql, cloud),
    },
    { provider },
  );
}

/** What watches it, where the stack is watched. */
export function buildDatabaseMonitoring(
  target: RoutedTargetName,
  { targets, postgresql, monitoring }: StackConfig,
  {
    database,
    ...watched
  }: Pick<DatabaseMonitoringArgs, "scrapers" | "operator"> & { database: ServiceDatabase },
  platform: Platform,
  provider: Provider,
): void {
  const secret = targets[target].database?.password;
  if (secret === undefined || monitoring === undefined || postgresql?.exporter === undefined) return;
  new DatabaseMonitoring(
    `${target}-database-monitoring`,
    {
      ...watched,
      target,
      namespace: platform.namespace,
      image: postgresql.exporter,
      secret,
      host: postgresql.in,
      timing: timingOf(monitoring.timeScale),
      rules: monitoring.rules,
      after: database,
    },
    { provider },
  );
}

function hostOf(
  target: RoutedTargetName,
  postgresql: NonNullable<StackConfig["postgresql"]>,
  { databases }: Cloud,
): InAws | InCluster {
  if (postgresql.in === "cluster") return postgresql;
  const addresses = databases?.get(target);
  if (addresses === undefined)
    throw new Error(`found no instance of ${target} in AWS, expected those of its config`);
  return { in: "aws", addresses, subnetCidrs: postgresql.subnetCidrs };
}

function mostReplicas({ capacity, autoscale }: TargetConfig): number {
  return autoscale?.max ?? capacity;
}

/** What the stack tells of it, once it holds. */
export function databaseOutputs(
  { instance, mode }: DatabaseConfig,
  { credentials }: ServiceDatabase,
): DatabaseOutputs {
  return pulumi.all(Object.values(credentials)).apply(() => ({ instance, mode }));
}

/** A colour's settings, with how many connections each pod may open. */
export function settingsOf({ settings, database }: TargetConfig, color: Color): Variables {
  return { ...(database && { DATABASE_POOL_SIZE: String(database.poolSize) }), ...settings[color] };
}

/** What a colour's pods are given to connect with: part of what they are. */
export function databaseSecretOf(
  target: RoutedTargetName,
  { database }: TargetConfig,
  color: Color,
): Variables {
  return database === undefined ? {} : { PGPASSWORD: passwordOf(database.password, target, color) };
}
