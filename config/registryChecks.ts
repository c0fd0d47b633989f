import type { z } from "zod";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { COLORS } from "../migration";
import { type ImageRepository, digestOf, formatRepository, repositoryOf } from "../registry/reference";
import { anyImageSchema } from "./imageSchema";
import type { Problem } from "./problem";
import type { registrySchema } from "./registrySchema";
import { awsSchema } from "./schema";

type Registry = z.infer<typeof registrySchema> | undefined;

/** A repository is made by the stack's own AWS provider, so its registry must be that account's. */
export function ownRegistry(registry: Registry, aws: unknown): Problem[] {
  if (registry?.pulledBy === undefined) return [];
  if (aws === undefined) {
    const text = "found it without platform.aws, expected the account and region that hold the repositories";
    return [{ path: ["registry", "pulledBy"], text }];
  }
  const place = awsSchema.safeParse(aws).data;
  if (place === undefined) return [];
  const own = `${place.account}.dkr.ecr.${place.region}.amazonaws.com`;
  if (registry.host === own) return [];
  const text = `found ${JSON.stringify(registry.host)}, expected ${JSON.stringify(own)}, because this stack owns the repositories (pulledBy)`;
  return [{ path: ["registry", "host"], text }];
}

/** What is pinned comes from the target's own repository; a tag, which only the local stack may use, needs no registry. */
export function imagesFromRegistry(
  registry: Registry,
  target: RoutedTargetName,
  entry: Readonly<Record<string, unknown>>,
): Problem[] {
  if (registry === undefined) return [];
  const { host } = registry;
  const own = formatRepository({ host, name: catalogEntry(target).repository });
  return COLORS.flatMap((color) => {
    const image = anyImageSchema.safeParse(entry[color]).data;
    if (image === undefined || digestOf(image) === undefined) return [];
    const found = repositoryOf(image);
    if (found !== undefined && formatRepository(found) === own) return [];
    const text = `found ${JSON.stringify(image)}${whose(found, host)}, expected an image of ${own}`;
    return [{ path: [color], text }];
  });
}

function whose(found: ImageRepository | undefined, host: string): string {
  const other = routedTargets.find((target) => catalogEntry(target).repository === found?.name);
  return found?.host === host && other !== undefined ? `, which is an image of ${other}` : "";
}
