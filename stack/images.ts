import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { PinnedImage } from "../components/pinnedImage";
import { withoutStack } from "../components/withoutStack";
import type { StackConfig } from "../config/parse";
import { COLORS, type LiveRoute, believed } from "../migration";
import { digestOf } from "../registry/reference";

export interface PinnedImagesInput {
  readonly config: StackConfig;
  /** What a route says that it runs has been rolled out before. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** Some target goes back in this update: nothing may hold that up, not even an image that is gone. */
  readonly bringsBack: boolean;
}

/**
 * Where the stack's registry is known, refuses what that doesn't have, before anything is made from it.
 * @throws RunError with all that is missing
 */
export async function requireImages({ config, live, bringsBack }: PinnedImagesInput): Promise<void> {
  if (config.registry === undefined) return;
  const pinned = routedTargets.flatMap((target) =>
    COLORS.flatMap((color) => {
      const image = config.targets[target].images[color];
      // On the local stack some have a tag only.
      if (image === undefined || digestOf(image) === undefined) return [];
      const isRunning = believed(live.get(target))?.images[color] === image;
      return [new PinnedImage(`${target}-${color}-image`, { target, color, image, isRunning })];
    }),
  );
  const refusals = (await Promise.all(pinned.map(({ refusal }) => refusal))).flatMap((each) => each ?? []);
  if (refusals.length === 0) return;
  const message = ["Images are missing in the registry.", ...refusals.map((each) => `  ${each}`)].join("\n");
  if (!bringsBack) throw withoutStack(new pulumi.RunError(`${message}\nNothing was changed.`));
  await pulumi.log.warn(message);
}
