import { type RoutedTargetName, catalogEntry } from "../catalog";
import { readWeights } from "../cluster/liveRoutes";
import { writeRoute } from "../cluster/routeWriter";
import { readStandbys } from "../cluster/standby";
import { setTraffic } from "../config/edit";
import { BACKENDS, type Split, formatSplit, judge } from "../migration";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { routeFor } from "./fastRoad";
import { Journal } from "./journal";
import type { Project } from "./project";
import { Refused, enforce } from "./refused";
import { commitAndCarryOut } from "./recordedChange";
import { Report } from "./report";
import { Repository } from "./repository";
import type { TargetSituation } from "./situation";
import { type Survey, survey } from "./survey";

/** Which side holds: `file` undoes what was done to the cluster, `cluster` writes it into the file. */
export const directions = ["file", "cluster"] as const;
export type Direction = (typeof directions)[number];

export interface ReconcileOptions {
  readonly project: Project;
  /** @default all that have drifted */
  readonly target?: RoutedTargetName;
  /** @default only show */
  readonly to?: Direction;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Shows where file, state and cluster differ, and resolves it in a named direction. */
export async function reconcile(options: ReconcileOptions): Promise<ExitCode> {
  const { project, target: only, to, json, dryRun, yes, signal } = options;
  const report = new Report({ json });
  const surveyed = await survey(project);
  const drifted = surveyed.situation.targets.filter(
    ({ target, drift }) => drift !== undefined && (only === undefined || target === only),
  );
  const found = drifted.map(({ target, drift }) => `${target}: ${drift?.text ?? ""}`);
  if (found.length === 0) {
    report.result("No drift: file, state and cluster agree.", { drift: found });
    return exitCodes.done;
  }
  if (to === undefined) {
    report.result(`${found.join("\n")}\n${howTo(drifted)}`, { drift: found });
    return exitCodes.refused;
  }

  const byHand = drifted.filter(({ drift }) => drift?.command.startsWith("cutover reconcile") === true);
  const splits = await Promise.all(
    byHand.map(async (place) => ({ place, split: await splitOf(surveyed, place, to) })),
  );
  const edits = to === "cluster" ? splits : [];
  enforce(judgeWith(surveyed, edits));
  for (const { place, split } of splits) {
    report.note(`${place.target}: ${place.drift?.text ?? ""} -> ${formatSplit(split)}`);
  }
  const question = to === "file" ? "Undo this on the cluster?" : "Write this into the stack file?";
  if (dryRun || !(await confirm(question, yes, signal))) {
    report.result("Nothing was changed.", { drift: found, done: false });
    return dryRun ? exitCodes.done : exitCodes.refused;
  }

  const repository = await Repository.containing(project.configFile);
  const journal = Journal.for(project.configFile, project.stack);
  const { api, config, live } = surveyed;
  for (const { place, split } of splits) {
    const { target } = place;
    const from = place.drift?.text ?? "";
    if (to === "cluster") journal?.begin({ command: "reconcile", target, split, from }, new Date());
    await writeRoute(api, target, routeFor(config, target, live.get(target), split, api.now()));
    report.step(`${target}: route written, ${formatSplit(split)}`);
  }
  await commitAndCarryOut({
    project,
    repository,
    api,
    edit: (text) => edits.reduce((edited, { place, split }) => setTraffic(edited, place.target, split), text),
    message: `reconcile ${byHand.map(({ target }) => target).join(", ") || "state"} to the ${to}`,
    report,
    signal,
  });
  journal?.end();
  report.result("Done: file, state and cluster agree.", { drift: found, done: true, steps: report.steps });
  return exitCodes.done;
}

/** What the route shall hold: for the file's side what was last applied, from where the update goes on. */
async function splitOf({ api, config }: Survey, place: TargetSituation, to: Direction): Promise<Split> {
  const { target, applied, wanted } = place;
  const { namespace, legacyHost } = config.platform;
  if (to === "cluster") {
    const weights = await readWeights(api, namespace, target);
    if (weights !== undefined) return weights;
    throw new Refused(`${target}: its live weights are no split that a file can say, expected --to file`);
  }
  const split = applied ?? wanted.split;
  const { capacity } = config.targets[target];
  const standbys = await readStandbys(api, { target: catalogEntry(target), namespace, legacyHost, capacity });
  const down = BACKENDS.filter((backend) => split[backend] > 0 && standbys[backend].fitness === "down");
  if (down.length === 0) return split;
  throw new Refused(
    `${target}: ${formatSplit(split)} needs what is down; nothing was changed. ${down.map((backend) => standbys[backend].detail).join("; ")}`,
  );
}

function judgeWith(
  { judged }: Survey,
  edits: readonly { readonly place: TargetSituation; readonly split: Split }[],
): ReturnType<typeof judge> {
  const wanted = new Map(judged.wanted);
  for (const { place, split } of edits) wanted.set(place.target, { ...place.wanted, split });
  const violations = judge({ ...judged, wanted });
  // Drift is what is being resolved.
  return edits.length === 0 ? [] : violations.filter(({ rule }) => rule !== "drift");
}

function howTo(drifted: readonly TargetSituation[]): string {
  const [first] = drifted;
  const command = first?.drift?.command ?? "cutover reconcile";
  if (!command.startsWith("cutover reconcile")) return `Finish it with: ${command}`;
  return `Resolve it with one of:
  ${command} --to file      undo it on the cluster
  ${command} --to cluster   write it into the stack file`;
}
