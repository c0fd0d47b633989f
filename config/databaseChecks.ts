import { catalogEntry, routedTargets } from "../catalog";
import type { RoutedTargetName } from "../catalog";
import { connectionsNeeded } from "../database/connections";
import { firstInstance } from "../database/instance";
import { databaseSchema, instanceSchema, modeSchema } from "./databaseSchema";
import { type Entry, mapAt } from "./entry";
import { pinned } from "./pinned";
import { postgresqlSchema } from "./postgresqlSchema";
import type { Problem } from "./problem";
import { autoscaleSchema, capacitySchema } from "./schema";

/** The least that RDS gives. */
const leastStorageGi = 20;

/** Where the databases live, and what that needs of the rest of the config. */
export function postgresqlChecks(environment: string | undefined, config: Entry): Problem[] {
  const entry = mapAt(config, "postgresql");
  const { in: where, storageGi } = entry;
  const problems: Problem[] = [];
  if (where === "cluster" && environment !== undefined && environment !== "local") {
    const text = `found "cluster", expected aws in ${environment}: one pod survives no zone`;
    problems.push({ path: ["postgresql", "in"], text });
  }
  if (where === "aws" && mapAt(config, "platform")["aws"] === undefined) {
    const text = "found aws without platform.aws, expected the account and region that hold the instances";
    problems.push({ path: ["postgresql", "in"], text });
  }
  if (where === "aws" && typeof storageGi === "number" && storageGi < leastStorageGi) {
    const text = `found ${storageGi}, expected ${leastStorageGi} or more, which is the least that RDS gives`;
    problems.push({ path: ["postgresql", "storageGi"], text });
  }
  if (where !== undefined && config["monitoring"] !== undefined && entry["exporter"] === undefined) {
    const text = "found none, expected the image of Prometheus' exporter: pyairtable:monitoring is there";
    problems.push({ path: ["postgresql", "exporter"], text });
  }
  return [
    ...problems,
    ...pinned(environment, ["postgresql", "image"], entry["image"]),
    ...pinned(environment, ["postgresql", "exporter"], entry["exporter"]),
  ];
}

/** A target's own database. */
export function databaseChecks(
  environment: string | undefined,
  config: Entry,
  target: RoutedTargetName,
): Problem[] {
  const entry = mapAt(config, target);
  const problems: Problem[] = [];
  if (entry["database"] === undefined) {
    if (modeSchema.safeParse(entry["mode"]).data === "read-only") {
      const text = "found read-only without a database of its own, expected no such key";
      problems.push({ path: ["mode"], text });
    }
    return problems;
  }
  if (!catalogEntry(target).stores.includes("postgresql")) {
    const owners = routedTargets.filter((each) => catalogEntry(each).stores.includes("postgresql"));
    const text = `found a database for what keeps no data in PostgreSQL, expected it under one of ${owners.join(", ")}`;
    return [...problems, { path: ["database"], text }];
  }
  if (config["postgresql"] === undefined) {
    const text = "found no pyairtable:postgresql, expected it to say where the database lives";
    problems.push({ path: ["database"], text });
  }
  const { migration, contract } = mapAt(entry, "database");
  if (contract !== undefined && migration === undefined) {
    const text = "found it without a migration, expected the step that it is for";
    problems.push({ path: ["database", "contract"], text });
  }
  return [
    ...problems,
    ...pinned(environment, ["database", "migration"], migration),
    ...ownInstances(target, mapAt(entry, "database")),
    ...connectionsFit(entry, config["postgresql"]),
  ];
}

/** An instance's name says whose it is, so that no target takes another's. */
function ownInstances(target: RoutedTargetName, database: Entry): Problem[] {
  const first = firstInstance(target);
  const isOwn = (name: string): boolean => name === first || name.startsWith(`${first}-`);
  const { instance = first } = database;
  const kept: readonly unknown[] = Array.isArray(database["kept"]) ? database["kept"] : [];
  const named = [
    { path: ["database", "instance"], name: instance },
    ...kept.map((name, index) => ({ path: ["database", "kept", String(index)], name })),
  ];
  return named.flatMap(({ path, ...given }, index) => {
    const name = instanceSchema.safeParse(given.name).data;
    if (name === undefined) return [];
    if (!isOwn(name)) {
      const text = `found ${JSON.stringify(name)}, expected ${first}, or a name that begins with ${first}-`;
      return [{ path, text }];
    }
    if (named.slice(0, index).every((other) => other.name !== name)) return [];
    return [{ path, text: `found ${JSON.stringify(name)} twice, expected each instance once` }];
  });
}

/** Three backends together stay within what the server takes, whichever of them runs. */
function connectionsFit(entry: Entry, postgresql: unknown): Problem[] {
  const max = postgresqlSchema.safeParse(postgresql).data?.maxConnections;
  const poolSize = databaseSchema.shape.poolSize.safeParse(mapAt(entry, "database")["poolSize"]).data;
  const capacity = capacitySchema.safeParse(entry["capacity"]).data;
  const autoscale = autoscaleSchema.optional().safeParse(entry["autoscale"]);
  if (max === undefined || poolSize === undefined || capacity === undefined || !autoscale.success) return [];
  const replicas = autoscale.data?.max ?? capacity;
  const needed = connectionsNeeded({ poolSize, replicas });
  if (needed <= max) return [];
  const text = `found ${poolSize} for each of up to ${replicas} pods, which is ${needed} connections with those of all backends and of the platform, expected at most ${max} (pyairtable:postgresql.maxConnections)`;
  return [{ path: ["database", "poolSize"], text }];
}
