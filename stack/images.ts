import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { PinnedImage, type PinnedImageArgs } from "../components/pinnedImage";
import { withoutStack } from "../components/withoutStack";
import type { StackConfig } from "../config/parse";
import { COLORS, type LiveRoute, believed, identityOf } from "../migration";
import { digestOf } from "../registry/reference";
import type { Applied } from "./outputs";

export interface PinnedImagesInput {
  readonly config: StackConfig;
  /** What a route says that it runs has been rolled out before. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The step that was applied has run before, too. */
  readonly applied: Pick<Applied, "steps">;
  /** Some target goes back in this update: nothing may hold that up, not even an image that is gone. */
  readonly bringsBack: boolean;
}

/**
 * Where the stack's registry is known, refuses what that doesn't have, before anything is made from it.
 * @throws RunError with all that is missing
 */
export async function requireImages(input: PinnedImagesInput): Promise<void> {
  const { config, bringsBack } = input;
  if (config.registry === undefined) return;
  const pinned = [...imagesOfColors(input), ...imagesOfSteps(input), ...imagesOfDatabases(config)]
    // On the local stack some have a tag only.
    .filter(({ image }) => digestOf(image) !== undefined)
    .map(({ name, ...args }) => new PinnedImage(name, args));
  const refusals = (await Promise.all(pinned.map(({ refusal }) => refusal))).flatMap((each) => each ?? []);
  if (refusals.length === 0) return;
  const message = ["Images are missing in the registry.", ...refusals.map((each) => `  ${each}`)].join("\n");
  if (!bringsBack) throw withoutStack(new pulumi.RunError(`${message}\nNothing was changed.`));
  await pulumi.log.warn(message);
}

type Wanted = PinnedImageArgs & { readonly name: string };

function imagesOfColors({ config, live }: PinnedImagesInput): readonly Wanted[] {
  return routedTargets.flatMap((target) =>
    COLORS.flatMap((color) => {
      const image = config.targets[target].images[color];
      if (image === undefined) return [];
      const isRunning = believed(live.get(target))?.images[color] === image;
      const command = `cutover pin ${target} TAG`;
      return [{ name: `${target}-${color}-image`, key: `${target}.${color}`, image, isRunning, command }];
    }),
  );
}

function imagesOfSteps({ config, applied }: PinnedImagesInput): readonly Wanted[] {
  return routedTargets.flatMap((target) => {
    const image = config.targets[target].database?.migration;
    if (image === undefined) return [];
    const before = applied.steps.get(target)?.image;
    const isRunning = before !== undefined && identityOf(before) === identityOf(image);
    return [{ name: `${target}-migration-image`, key: `${target}.database.migration`, image, isRunning }];
  });
}

/** Nothing is made from them while no target has a database. */
function imagesOfDatabases({ postgresql, monitoring, targets }: StackConfig): readonly Wanted[] {
  const isWanted = routedTargets.some((target) => targets[target].database !== undefined);
  if (postgresql === undefined || !isWanted) return [];
  const { image, exporter } = postgresql;
  const watches = monitoring === undefined ? undefined : exporter;
  return [
    { name: "postgresql-image", key: "postgresql.image", image },
    ...(watches === undefined
      ? []
      : [{ name: "postgresql-exporter-image", key: "postgresql.exporter", image: watches }]),
  ];
}
