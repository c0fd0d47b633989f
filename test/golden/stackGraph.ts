import fs from "node:fs";
import path from "node:path";
import { routedTargets } from "../../catalog";
import { type Cloud, awsProvider, buildCloud } from "../../stack/cloud";
import type { StackConfig } from "../../config/parse";
import { parseStackFile } from "../../config/stackFile";
import { withContents } from "../../stack/contents";
import { checkoutDir } from "../../local/paths";
import { type LiveRoute, nextRecord } from "../../migration";
import type { RoutedTargetName } from "../../catalog";
import { buildStack } from "../../stack/stack";
import { type Registered, record } from "../unit/support/recording";
import { startWorld } from "../unit/support/world";

/** When the first of a series of updates is made; each later one follows a day after. */
const start = new Date("2025-08-11T09:00:00Z");
const millisecondsPerDay = 86_400_000;

/**
 * Everything that the last of a series of updates asks the engine for, sorted by name: the graph of what a stack file
 * says, with the routes that the files before it have left.
 * @param stackFiles texts, oldest first
 */
export async function stackGraph(stackFiles: readonly string[]): Promise<Registered[]> {
  const configs = await Promise.all(stackFiles.map((text) => withContents(parseStackFile(text))));
  const last = configs.at(-1);
  if (last === undefined) throw new Error("no stack file");
  const live = routesAfter(configs.slice(0, -1));
  const world = await startWorld();
  try {
    const { resources, failures } = await record(
      () => {
        buildStack({
          config: last,
          live,
          completed: new Map(),
          api: world.api,
          now: dayOf(configs.length - 1),
          evidence: undefined,
          leftAlone: new Set(),
          cloud: cloudOf(last),
          backupScript: fs.readFileSync(path.join(checkoutDir, "backup", "backup.sh"), "utf8"),
        });
      },
      { onRegister: world.onRegister },
    );
    if (failures.length > 0) throw new Error(failures.join("\n"));
    return [...resources].sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    await world.close();
  }
}

function cloudOf(config: StackConfig): Cloud {
  const { aws } = config.platform;
  return aws === undefined ? {} : buildCloud(config, aws, awsProvider(aws));
}

function routesAfter(configs: readonly StackConfig[]): ReadonlyMap<RoutedTargetName, LiveRoute> {
  return configs.reduce<ReadonlyMap<RoutedTargetName, LiveRoute>>((live, { targets }, day) => {
    const after = (target: RoutedTargetName): LiveRoute => {
      const before = live.get(target);
      const believed = before !== undefined && "tampered" in before ? undefined : before;
      return nextRecord(target, believed, targets[target], dayOf(day));
    };
    return new Map(routedTargets.map((target) => [target, after(target)]));
  }, new Map());
}

function dayOf(index: number): Date {
  return new Date(start.getTime() + index * millisecondsPerDay);
}
