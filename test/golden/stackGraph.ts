import fs from "node:fs";
import path from "node:path";
import { routedTargets } from "../../catalog";
import { type Cloud, awsProvider, buildCloud } from "../../stack/cloud";
import type { StackConfig } from "../../config/parse";
import { parseStackFile } from "../../config/stackFile";
import { withContents } from "../../stack/contents";
import type { StepEvidence } from "../../database/evidence";
import { checkoutDir } from "../../local/paths";
import { type LiveRoute, nextRecord } from "../../migration";
import type { RoutedTargetName } from "../../catalog";
import { parseOutputs } from "../../stack/outputs";
import { keptSteps, readStepFacts, wantedStep } from "../../stack/schemaSteps";
import { buildStack } from "../../stack/stack";
import type { Answerer } from "../unit/support/httpStub";
import { type Registered, record } from "../unit/support/recording";
import { startWorld } from "../unit/support/world";

/** When the first of a series of updates is made; each later one follows a day after. */
const start = new Date("2025-08-11T09:00:00Z");
const millisecondsPerDay = 86_400_000;

/**
 * Everything that the last of a series of updates asks the engine for, sorted by name: the graph of what a stack file
 * says, with the routes that the files before it have left.
 * @param stackFiles texts, oldest first
 * @param prepared the steps that were tried on a shadow; none of them has been applied
 */
export async function stackGraph(
  stackFiles: readonly string[],
  prepared: PreparedSteps = new Map(),
): Promise<Registered[]> {
  const configs = await Promise.all(stackFiles.map((text) => withContents(parseStackFile(text))));
  const last = configs.at(-1);
  if (last === undefined) throw new Error("no stack file");
  const live = routesAfter(configs.slice(0, -1));
  const world = await startWorld(stepAnswers(prepared));
  try {
    const applied = parseOutputs({});
    const facts = await readStepFacts(world.api, last, { live, applied });
    const stepInput = { config: last, live, applied, facts };
    const steps = routedTargets.flatMap((target) => {
      const step = wantedStep(target, stepInput);
      return step === undefined ? [] : [[target, step] as const];
    });
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
          steps: new Map(steps),
          keptSteps: keptSteps(last, applied, facts),
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

export type PreparedSteps = ReadonlyMap<RoutedTargetName, StepEvidence>;

/** The cluster with what `cutover migrate --prepare` has left there, and Jobs that succeed. */
function stepAnswers(prepared: PreparedSteps): Answerer {
  const configMaps = [...prepared].map(([target, evidence]) => ({
    metadata: { name: `${target}-step`, labels: { "pyairtable.dev/step-evidence": target } },
    data: { "evidence.json": JSON.stringify(evidence) },
  }));
  return ({ method, path }) => {
    if (method !== "GET") return undefined;
    if (path.includes("/configmaps?")) return { body: { items: configMaps } };
    if (path.includes("/jobs?")) return { body: { items: [] } };
    const [, name] = /\/jobs\/([^/?]+)$/.exec(path) ?? [];
    if (name === undefined) return undefined;
    return { body: { metadata: { name }, status: { conditions: [{ type: "Complete", status: "True" }] } } };
  };
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
