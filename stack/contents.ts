import { type RoutedTargetName, routedTargets } from "../catalog";
import { backendName } from "../cluster/names";
import { contentHash, secretHash } from "../components/hashedName";
import type { StackConfig, TargetConfig, Variables } from "../config/parse";
import { COLORS, type ColorContents, type Contents } from "../migration";

/** The config with what the route records of each colour's settings and secrets. Only the program can read these. */
export async function withContents(config: StackConfig): Promise<StackConfig> {
  const targets: Record<RoutedTargetName, TargetConfig> = { ...config.targets };
  await Promise.all(
    routedTargets.map(async (name) => {
      targets[name] = { ...targets[name], contents: await contentsOf(name, targets[name]) };
    }),
  );
  return { ...config, targets };
}

async function contentsOf(
  name: RoutedTargetName,
  { images, settings, secrets }: TargetConfig,
): Promise<Contents> {
  const running = COLORS.filter((color) => images[color] !== undefined);
  const entries = running.map(async (color): Promise<readonly [string, ColorContents]> => {
    const release = backendName(name, color);
    return [
      color,
      {
        ...(hasAny(settings[color]) && { settings: contentHash(release, settings[color]) }),
        // What the Secret's own name says of it, and no more.
        ...(hasAny(secrets[color]) && { secrets: await secretHash(release, secrets[color]) }),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function hasAny(variables: Variables): boolean {
  return Object.keys(variables).length > 0;
}
