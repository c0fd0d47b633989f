import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { editStackFile, setTraffic } from "../config/edit";
import type { StackConfig } from "../config/parse";
import { valuesIn } from "../config/stackFile";
import { ALL_LEGACY } from "../migration";
import { beforeMove } from "./beforeMove";
import { budgetMinutes, budgetText } from "./budget";
import { confirmByTyping } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { reportHealth } from "./health";
import { Journal } from "./journal";
import type { Project } from "./project";
import { type Place, findPlaces, isServed, placeText, readLegacy, stayedText } from "./places";
import { recordRollback } from "./recordRollback";
import { Refused } from "./refused";
import { Report } from "./report";
import { type RouteMove, moveRoutes, whileHeld } from "./routeMoves";
import { reason } from "../cluster/thrown";
import { wantedOrCommitted } from "./wantedOrCommitted";

export interface RollbackAllOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** The stack's name, in place of typing it. */
  readonly confirm?: string;
  /** Ends the update that records it, in order; never what comes before. */
  readonly signal: AbortSignal;
}

/** Level 3: every target's traffic goes to legacy, then the record. What can't go stays, and holds up nothing else. */
export async function rollbackAll(options: RollbackAllOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const report = new Report({ json, budgetMinutes: budgetMinutes[3] });
  refuseOther(options.confirm, project.stack);
  const config = await wantedOrCommitted(project, report);
  const api = await KubeApi.connect(config.platform);
  const places = await beforeMove(findPlaces(api, config), { api, report, signal });
  const plan = places.map(placeText);
  for (const each of plan) report.note(each);
  if (dryRun) {
    report.result("Nothing was changed.", { level: 3, plan });
    return exitCodes.done;
  }
  const question = `All traffic of stack ${project.stack} goes to the monorepo. To go on, type the stack's name:`;
  if (!(await confirmByTyping(question, project.stack, options.confirm, signal))) {
    throw new Refused(`found another name, expected ${project.stack}; nothing was changed`);
  }
  const journal = Journal.for(project.configFile, project.stack);
  const unnoted = journal?.begin({ command: "rollback", level: 3 }, new Date());
  if (unnoted !== undefined) report.problem(unnoted);
  const end = await bringAllToLegacy({ project, api, config, places, report, signal });
  if (end.recorded) journal?.end();
  const tookMs = performance.now();
  report.result(resultText(end, tookMs), {
    level: 3,
    plan,
    ...end,
    budgetMinutes: budgetMinutes[3],
    tookMs: Math.round(tookMs),
    steps: report.steps,
    problems: report.problems,
  });
  return exitCodeOf(end);
}

/** How a rollback of level 3 ended. */
export interface AllToLegacy {
  /** Whether git and the stack's state say so too. */
  readonly recorded: boolean;
  /** Whether every original service answers that has its traffic. */
  readonly healthy: boolean;
  /** Targets that couldn't be brought back. */
  readonly stayed: readonly RoutedTargetName[];
}

export interface BringAllOptions {
  readonly project: Project;
  readonly api: KubeApi;
  readonly config: StackConfig;
  /** Where the targets stand. @default what is found now */
  readonly places?: readonly Place[];
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
}

/** Moves the traffic, then commits, updates, verifies, marks, pushes and looks whether all are healthy. */
export async function bringAllToLegacy(options: BringAllOptions): Promise<AllToLegacy> {
  const { api, config, report, signal } = options;
  const places = options.places ?? (await findPlaces(api, config));
  const able = places.filter(({ isPastContract }) => !isPastContract);
  const [served, down] = [able.filter(isServed), able.filter((place) => !isServed(place))];
  const first = await moveThose(api, config, served, report);
  return whileHeld(api, config, first, report, async () => {
    const started = await awaitLegacy(api, config, down, report, signal);
    const there = places.filter(({ road }) => road === "there").map(({ target }) => target);
    const second = await moveThose(api, config, started, report);
    const back = [...there, ...[...first, ...second].map(({ target }) => target)];
    const stayed = places.filter(({ target }) => !back.includes(target));
    for (const place of stayed) report.problem(stayedText(place));
    const recorded = await whileHeld(api, config, second, report, () => record(options, back));
    const splits = new Map(back.map((target) => [target, ALL_LEGACY]));
    const healthy = await reportHealth(api, config.platform, splits, report);
    return { recorded, healthy, stayed: stayed.map(({ target }) => target) };
  });
}

async function record(
  { project, api, report, signal, refresh = false }: BringAllOptions,
  targets: readonly RoutedTargetName[],
): Promise<boolean> {
  try {
    const edit = (text: string): string => toLegacy(text, targets);
    const message = "rollback level 3: all to legacy";
    return await recordRollback({ project, api, edit, message, signal, report, refresh });
  } catch (error) {
    report.problem(reason(error));
    return false;
  }
}

/** Those that go by the fast road. */
function moveThose(
  api: KubeApi,
  config: StackConfig,
  places: readonly Place[],
  report: Report,
): Promise<readonly RouteMove[]> {
  const fast = places.filter(({ road }) => road === "fast");
  const moves = fast.map(({ target, live }) => ({ target, live, split: ALL_LEGACY }));
  return moveRoutes(api, config, moves, report);
}

const secondsBetween = 0.5;

/**
 * Starts what doesn't serve, where the monorepo's machine is known; else waits for somebody to do so. Either for as long
 * as a release may take. @returns those that serve now
 */
async function awaitLegacy(
  api: KubeApi,
  config: StackConfig,
  places: readonly Place[],
  report: Report,
  signal: AbortSignal,
): Promise<readonly Place[]> {
  const { readyWithinSeconds } = config.platform;
  const deadline = Date.now() + readyWithinSeconds * 1000;
  const ready: Place[] = [];
  let waiting = places;
  const who = config.monorepo === undefined ? "start it now; waiting" : "starting it,";
  for (const { target, legacy } of places) {
    report.problem(
      `${target}: legacy must be started first (${legacy.detail}): ${who} up to ${readyWithinSeconds} s`,
    );
  }
  await startLegacy(config, places, report, signal);
  while (waiting.length > 0 && Date.now() < deadline) {
    await sleep(secondsBetween * 1000, undefined, { signal });
    const looked = await Promise.all(
      waiting.map(async (place) => ({ ...place, legacy: await readLegacy(api, config, place.target) })),
    );
    for (const place of looked.filter(({ legacy }) => legacy.fitness === "ready")) {
      report.step(`${place.target}: ${place.legacy.detail}`);
      ready.push(place);
    }
    waiting = looked.filter(({ legacy }) => legacy.fitness !== "ready");
  }
  return ready;
}

async function startLegacy(
  { monorepo, platform: { legacyHost, readyWithinSeconds } }: StackConfig,
  places: readonly Place[],
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  if (monorepo === undefined || places.length === 0) return;
  const { startAll } = await import("../monorepo/startAll.js");
  const targets = places.map(({ target }) => target);
  try {
    const options = { monorepo, legacyHost, targets, withinSeconds: readyWithinSeconds, signal };
    for (const { target, container, problem } of await startAll(options)) {
      if (problem !== undefined) report.problem(`${target}: ${container}: ${problem}`);
    }
  } catch (error) {
    // Somebody can still start it by hand.
    report.problem(reason(error));
  }
}

/** The stack file with these targets on legacy, as before the migration: Terraform has the shared resources again. */
export function toLegacy(text: string, targets: readonly RoutedTargetName[]): string {
  const edited = targets.reduce((each, target) => {
    return keepLegacy(setTraffic(each, target, ALL_LEGACY), target);
  }, text);
  return editStackFile(edited, ["config", "pyairtable:infrastructure", "owner"], "terraform");
}

/** Standby is what a file says that says nothing. */
function keepLegacy(text: string, target: RoutedTargetName): string {
  const value = valuesIn(text)[`pyairtable:${target}`];
  const isRetired =
    typeof value === "object" && value !== null && "legacy" in value && value.legacy === "retired";
  return isRetired ? editStackFile(text, ["config", `pyairtable:${target}`, "legacy"], "standby") : text;
}

/** A wrong name on the command line is refused before anything is read. */
function refuseOther(confirm: string | undefined, stack: string): void {
  if (confirm === undefined || confirm === stack) return;
  throw new Refused(`--confirm: found ${confirm}, expected the stack's name, ${stack}; nothing was changed`);
}

function resultText({ recorded, healthy, stayed }: AllToLegacy, tookMs: number): string {
  const lines = [
    stayed.length === 0
      ? "All traffic is on legacy."
      : `All traffic is on legacy, BUT FOR: ${stayed.join(", ")}. What each of them needs is said above; then run this again.`,
    recorded ? "Routes, git and state agree." : "This is not recorded yet. Finish it with: cutover resume",
    ...(healthy ? [] : ["NOT HEALTHY: see above."]),
    budgetText(3, tookMs),
  ];
  return lines.join("\n");
}

export function exitCodeOf({ recorded, healthy, stayed }: AllToLegacy): ExitCode {
  if (!recorded) return exitCodes.notRecorded;
  return healthy && stayed.length === 0 ? exitCodes.done : exitCodes.failed;
}
