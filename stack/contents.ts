import { type RoutedTargetName, routedTargets } from "../catalog";
import { backendName } from "../cluster/names";
import { contentHash, secretHash } from "../components/hashedName";
import type { AuthServiceConfig, StackConfig, TargetConfig, Variables } from "../config/parse";
import { COLORS, type Color, type ColorContents, type Contents } from "../migration";
import { databaseSecretOf, settingsOf } from "./database";

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
  config: TargetConfig | AuthServiceConfig,
): Promise<Contents> {
  const { images } = config;
  const running = COLORS.filter((color) => images[color] !== undefined);
  const entries = running.map(async (color): Promise<readonly [string, ColorContents]> => {
    const release = backendName(name, color);
    const settings = settingsOf(config, color);
    const secrets = { ...databaseSecretOf(name, config, color), ...secretsOf(config, color) };
    return [
      color,
      {
        ...(hasAny(settings) && { settings: contentHash(release, settings) }),
        // As slow to guess from as a Secret's own name.
        ...(hasAny(secrets) && { secrets: await secretHash(release, secrets) }),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Its own, and the shared key where it has none: what its pods are given. */
function secretsOf(config: TargetConfig | AuthServiceConfig, color: Color): Variables {
  const own = config.secrets[color];
  const shared = "signingKey" in config ? config.signingKey : undefined;
  return shared === undefined || "SIGNING_KEY" in own ? own : { ...own, SIGNING_KEY: shared };
}

function hasAny(variables: Variables): boolean {
  return Object.keys(variables).length > 0;
}
