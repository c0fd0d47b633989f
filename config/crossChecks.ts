import { routedTargets } from "../catalog";
import { BACKENDS, COLORS } from "../migration";
import { backupChecks } from "./backupChecks";
import { databaseChecks, postgresqlChecks } from "./databaseChecks";
import { dnsChecks } from "./dnsChecks";
import { type Entry, mapAt } from "./entry";
import { indicatorChecks, monitoringChecks } from "./monitoringChecks";
import { guardChecks } from "./guardChecks";
import { pinned } from "./pinned";
import type { Problem } from "./problem";
import { imagesFromRegistry, ownRegistry } from "./registryChecks";
import { registrySchema } from "./registrySchema";
import { autoscaleSchema, capacitySchema, environmentSchema, trafficSchema } from "./schema";

/**
 * What spans several keys. Each check reads only the parts that it needs and is silent where those are
 * malformed themselves, so that one mistake doesn't hide another.
 */
export function crossChecks(config: Readonly<Record<string, unknown>>): Problem[] {
  const environment = environmentSchema.safeParse(mapAt(config, "platform").environment).data;
  const registry = registrySchema.safeParse(config.registry).data;
  return [
    ...ownRegistry(registry, mapAt(config, "platform").aws),
    ...soakInProduction(environment, mapAt(config, "migration").soakHours),
    ...stagingBeforeProduction(environment, config.staging),
    ...dnsChecks(config),
    ...backupChecks(config),
    ...guardChecks(config),
    ...clusterHasAccount(mapAt(config, "platform")),
    ...monitoringChecks(environment, mapAt(config, "monitoring")),
    ...postgresqlChecks(environment, config),
    ...routedTargets.flatMap((target) => {
      const entry = mapAt(config, target);
      return [
        ...trafficSums(entry),
        ...trafficHasImage(entry),
        ...noTrafficToRetiredLegacy(entry),
        ...COLORS.flatMap((color) => pinned(environment, [color], entry[color])),
        ...imagesFromRegistry(registry, target, entry),
        ...roomToScale(entry),
        ...indicatorChecks(entry),
        ...databaseChecks(environment, config, target),
        ...(target === "auth-service" ? signingKeyPresent(entry) : []),
      ].map(({ path, text }) => ({ path: [target, ...path], text }));
    }),
  ];
}

const productionSoakHours = 24;

function soakInProduction(environment: string | undefined, hours: unknown): Problem[] {
  if (environment !== "production" || typeof hours !== "number" || hours < 0 || hours >= productionSoakHours)
    return [];
  const text = `found ${hours}, expected ${productionSoakHours} or more in production`;
  return [{ path: ["migration", "soakHours"], text }];
}

function stagingBeforeProduction(environment: string | undefined, staging: unknown): Problem[] {
  if (environment !== "production" || staging !== undefined) return [];
  const text = "found nothing, expected the stack that must complete a digest before production (staging)";
  return [{ path: ["staging"], text }];
}

function clusterHasAccount({ cluster, aws }: Entry): Problem[] {
  if (cluster === undefined || aws !== undefined) return [];
  const text =
    "found nothing, expected the account and region of the EKS cluster that platform.cluster names";
  return [{ path: ["platform", "aws"], text }];
}

function trafficSums({ traffic }: Entry): Problem[] {
  const split = trafficSchema.safeParse(traffic).data;
  if (split === undefined) return [];
  const sum = split.legacy + split.blue + split.green;
  if (sum === 100) return [];
  const weights = BACKENDS.map((backend) => `${backend} ${split[backend]}`).join(", ");
  return [
    { path: ["traffic"], text: `found a sum of ${sum} (${weights}), expected weights that sum to 100` },
  ];
}

function trafficHasImage({ traffic, ...entry }: Entry): Problem[] {
  const split = trafficSchema.safeParse(traffic).data;
  if (split === undefined) return [];
  return COLORS.filter((color) => split[color] > 0 && entry[color] === undefined).map((color) => ({
    path: ["traffic"],
    text: `found ${split[color]} % for ${color}, which has no image, expected 0 or an image under ${color}`,
  }));
}

function noTrafficToRetiredLegacy({ traffic, legacy }: Entry): Problem[] {
  const split = trafficSchema.safeParse(traffic).data;
  if (split === undefined || split.legacy === 0 || legacy !== "retired") return [];
  const text = `found ${split.legacy} % for legacy, which is retired, expected 0 or legacy: standby`;
  return [{ path: ["traffic"], text }];
}

function roomToScale({ autoscale, capacity }: Entry): Problem[] {
  const max = autoscaleSchema.safeParse(autoscale).data?.max;
  const least = capacitySchema.safeParse(capacity).data;
  if (max === undefined || least === undefined || max >= least) return [];
  return [{ path: ["autoscale", "max"], text: `found ${max}, expected the capacity (${least}) or more` }];
}

function signingKeyPresent(entry: Entry): Problem[] {
  if (entry.signingKey !== undefined || COLORS.every((color) => entry[color] === undefined)) return [];
  const text =
    "found nothing, expected the key that signs the tokens of all backends (a secret), as a color has an image";
  return [{ path: ["signingKey"], text }];
}
