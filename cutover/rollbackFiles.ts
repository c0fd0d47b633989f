import path from "node:path";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { readLiveRoute, readLiveRoutes } from "../cluster/liveRoutes";
import { readStandbys } from "../cluster/standby";
import { setTraffic } from "../config/edit";
import type { StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";
import { BACKENDS, COLORS, type LegacyState, type LiveRoute, type Split, isTampered } from "../migration";
import { run } from "../tools/child";
import { beforeMove } from "./beforeMove";
import { budgetMinutes, budgetText } from "./budget";
import { carryOut } from "./carryOut";
import { withStackFile } from "./committedFile";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { liveText } from "./fastRoad";
import { fileViolations } from "./fileViolations";
import { GitError } from "./git";
import { reportHealth } from "./health";
import { Journal } from "./journal";
import { type Project, UsageError } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import { Refused, enforce } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { restoredPaths, workflows } from "./restoredPaths";
import { returnLegacy } from "./returnLegacy";
import { type Road, roadTo } from "./road";
import { type RouteMove, moveRoutes, whileHeld } from "./routeMoves";
import { configChanges } from "./situation";
import { survey } from "./survey";
import { reason } from "./thrown";

export interface RollbackFilesOptions {
  readonly project: Project;
  /** The good state's tag. @default the newest that differs and asks for nothing but ways back */
  readonly to?: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** Ends the update that records it, in order; never what comes before. */
  readonly signal: AbortSignal;
}

/** Level 2: stack file, workflows and pins go back to a good state; traffic first. */
export async function rollbackFiles(options: RollbackFilesOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const report = new Report({ json, budgetMinutes: budgetMinutes[2] });
  const repository = await Repository.containing(project.configFile);
  const goal = await chooseGoal(repository, options, report);
  await refuseUncommitted(repository, goal);
  await judgeGoal(project, goal);
  await requireReceivers(goal);
  const plan = await planText(repository, goal);
  for (const each of plan) report.note(each);
  const result = { level: 2, to: goal.tag, plan };
  if (dryRun || !(await confirm(`Go back to ${goal.tag}?`, options.yes, signal))) {
    report.result(`Nothing was changed. It would go back to ${goal.tag}.`, result);
    return dryRun ? exitCodes.done : exitCodes.refused;
  }
  const journal = Journal.for(project.configFile, project.stack);
  const unnoted = journal?.begin({ command: "rollback", level: 2, to: goal.tag }, new Date());
  if (unnoted !== undefined) report.problem(unnoted);
  const end = await bringFilesBack({ project, repository, goal, report, signal });
  if (end.recorded) journal?.end();
  const tookMs = performance.now();
  report.result(resultText(goal.tag, end, tookMs), {
    ...result,
    ...end,
    budgetMinutes: budgetMinutes[2],
    tookMs: Math.round(tookMs),
    steps: report.steps,
    problems: report.problems,
  });
  return exitCodeOf(end);
}

/** A good state, and how far the cluster is from it. */
export interface Goal {
  readonly tag: string;
  /** The stack file in it. */
  readonly text: string;
  readonly config: StackConfig;
  readonly api: KubeApi;
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  readonly roads: ReadonlyMap<RoutedTargetName, Road>;
  /** What goes back to it: files or folders, relative to the repository's root. */
  readonly paths: readonly string[];
  /** Files that should, and are left as they are. */
  readonly left: readonly string[];
}

/** How a rollback of level 2 ended. */
export interface FilesBack {
  /** Whether git and the stack's state say so too. */
  readonly recorded: boolean;
  /** Whether every target answers from where it is now. */
  readonly healthy: boolean;
}

export interface BringFilesOptions {
  readonly project: Project;
  readonly repository: Repository;
  readonly goal: Goal;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
}

/** Moves the traffic, then commits the files, updates, verifies, marks, pushes and looks whether all are healthy. */
export async function bringFilesBack(options: BringFilesOptions): Promise<FilesBack> {
  const { goal, report } = options;
  const { api, config } = goal;
  const first = await moveRoutes(api, config, movesOn("fast", goal), report);
  const recorded = await whileHeld(api, config, first, report, async () => {
    const second = await moveRoutes(api, config, await withLegacyAgain(options, first), report);
    return whileHeld(api, config, second, report, () => record(options));
  });
  const splits = new Map(routedTargets.map((target) => [target, config.targets[target].split]));
  const healthy = await reportHealth(api, config.platform, splits, report);
  return { recorded, healthy };
}

function movesOn(road: Road, { config, live, roads }: Goal): readonly RouteMove[] {
  return routedTargets
    .filter((target) => roads.get(target) === road)
    .map((target) => ({ target, live: live.get(target), split: config.targets[target].split }));
}

/** Where legacy was retired: the update that makes it a backend again. @returns the moves that this sets free */
async function withLegacyAgain(
  { project, repository, goal, report, signal, refresh = false }: BringFilesOptions,
  moved: readonly RouteMove[],
): Promise<readonly RouteMove[]> {
  const { api, config } = goal;
  const moves = movesOn("plain", goal);
  if (moves.length === 0) return [];
  const targets = moves.map(({ target }) => target);
  try {
    const committed = await repository.committed();
    const text = moved.reduce((each, { target, split }) => setTraffic(each, target, split), committed);
    await returnLegacy({ project, api, text, targets, report, signal, refresh });
    const { namespace } = config.platform;
    return await Promise.all(
      moves.map(async (move) => ({ ...move, live: await readLiveRoute(api, namespace, move.target) })),
    );
  } catch (error) {
    // The update of the good state's file moves them too, at the risk of a request that is lost.
    report.problem(`${targets.join(", ")}: ${reason(error)}`);
    return [];
  }
}

async function record({
  project,
  repository,
  goal,
  report,
  signal,
  refresh = false,
}: BringFilesOptions): Promise<boolean> {
  const { api, tag, text, config } = goal;
  const message = `rollback level 2: to ${tag}`;
  const update = { project, api, message, report, signal, refresh, wait: true };
  try {
    if (!(await restore(repository, goal, message, report))) {
      await withStackFile(project, text, (copy) => carryOut({ ...update, project: copy, config }));
      return false;
    }
    await commitAndCarryOut({ ...update, repository });
    if (goal.left.length > 0) report.problem(leftText(goal));
    return goal.left.length === 0;
  } catch (error) {
    report.problem(reason(error));
    return false;
  }
}

/** @returns whether git has them */
async function restore(
  repository: Repository,
  { tag, paths }: Goal,
  message: string,
  report: Report,
): Promise<boolean> {
  const lockfile = path.join(path.dirname(repository.file), "package-lock.json");
  const relative = path.relative(repository.root, lockfile);
  try {
    const hasOtherPins = (await repository.differencesFrom(tag, paths)).includes(relative);
    const commit = await repository.restore(tag, paths, message);
    report.step(
      commit === undefined ? "git says so already" : `committed ${commit.id.slice(0, 9)} ${message}`,
    );
    if (hasOtherPins) {
      await run("npm", ["ci"], { cwd: path.dirname(lockfile) });
      report.step("installed the packages of package-lock.json (npm ci)");
    }
    return true;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    report.problem(error.message);
    return false;
  }
}

/** @throws UsageError when there is none, or not this one */
async function chooseGoal(
  repository: Repository,
  { project, to }: RollbackFilesOptions,
  report: Report,
): Promise<Goal> {
  const tags = await repository.goodStates(project.stack);
  const known = tags.slice(0, shownTags).join(", ") || "none";
  if (to !== undefined) {
    if (!tags.includes(to)) {
      throw new UsageError(
        `--to: found ${to}, expected a good state of stack ${project.stack} (newest: ${known})`,
      );
    }
    return goalOf(repository, to, report);
  }
  const paths = restoredPaths(repository.path);
  for (const tag of tags) {
    if ((await repository.differencesFrom(tag, paths)).length === 0) continue;
    const goal = await goalOf(repository, tag, report).catch(() => undefined);
    if (goal !== undefined && ![...goal.roads.values()].includes("forward")) return goal;
  }
  throw new UsageError(
    `found no good state of stack ${project.stack} that differs and asks for nothing but ways back, expected one, or --to TAG (newest: ${known})`,
  );
}

/** How many tags an error names. */
const shownTags = 5;

/** @throws StackFileError, ConfigError, or what the cluster's answer throws */
export async function goalOf(repository: Repository, tag: string, report: Report): Promise<Goal> {
  const text = await repository.textIn(tag);
  const config = parseStackFile(text);
  const api = await KubeApi.connect(config.platform.kubeContext);
  const signal = new AbortController().signal;
  const live = await beforeMove(readLiveRoutes(api, config.platform.namespace), { api, report, signal });
  const present = await legacyStates(repository);
  const roads = routedTargets.map((target) => {
    const wanted = config.targets[target];
    return [target, roadTo(live.get(target), wanted, present.get(target) ?? wanted.legacy)] as const;
  });
  return { tag, text, config, api, live, roads: new Map(roads), ...(await filesOf(repository, tag)) };
}

/** What GitHub runs may not push a change of what it runs. */
async function filesOf(repository: Repository, tag: string): Promise<Pick<Goal, "paths" | "left">> {
  const paths = restoredPaths(repository.path);
  if (process.env["GITHUB_ACTIONS"] !== "true") return { paths, left: [] };
  return {
    paths: paths.filter((each) => each !== workflows),
    left: await repository.differencesFrom(tag, [workflows]),
  };
}

/** As the present file says; empty if it can't be read, which may be why it goes back. */
async function legacyStates(repository: Repository): Promise<ReadonlyMap<RoutedTargetName, LegacyState>> {
  try {
    const { targets } = parseStackFile(await repository.committed());
    return new Map(routedTargets.map((target) => [target, targets[target].legacy]));
  } catch {
    return new Map();
  }
}

async function refuseUncommitted(repository: Repository, { paths }: Goal): Promise<void> {
  const edited = await repository.uncommittedIn(paths);
  if (edited.length === 0) return;
  throw new Refused(
    `found changes that are not committed in ${edited.join(", ")}, expected none: commit or stash them first; nothing was changed.`,
  );
}

/** Ways back are shown to no rule; what the good state asks for beyond them is. @throws Refused */
async function judgeGoal(project: Project, { text }: Goal): Promise<void> {
  enforce(fileViolations(await withStackFile(project, text, survey)));
}

/** Whatever gets traffic back must serve, or nothing at all is begun. @throws Refused */
async function requireReceivers({ api, config, live, roads }: Goal): Promise<void> {
  const { namespace, legacyHost } = config.platform;
  const problems = await Promise.all(
    routedTargets.map(async (target) => {
      const road = roads.get(target);
      if (road !== "fast" && road !== "plain") return [];
      const { split, capacity } = config.targets[target];
      const standbys = await readStandbys(api, {
        target: catalogEntry(target),
        namespace,
        legacyHost,
        capacity,
      });
      return BACKENDS.filter((backend) => split[backend] > shareOf(live.get(target), backend))
        .map((backend) => standbys[backend])
        .filter(({ fitness }) => (road === "plain" ? fitness !== "ready" : fitness === "down"))
        .map(({ detail }) => `${target}: ${detail}`);
    }),
  );
  const found = problems.flat();
  if (found.length === 0) return;
  throw new Refused(
    `found what is to get traffic back not ready, expected it to serve; nothing was changed. Start it, or go back further (--to), or to legacy (--level 3).\n  ${found.join("\n  ")}`,
  );
}

function shareOf(live: LiveRoute | undefined, backend: keyof Split): number {
  return live === undefined || isTampered(live) ? 0 : live.split[backend];
}

async function planText(repository: Repository, goal: Goal): Promise<readonly string[]> {
  const { tag, config, live, paths, left } = goal;
  const files = await repository.differencesFrom(tag, paths);
  return [
    `to ${tag}: ${files.length === 0 ? "git has these files already" : files.join(", ")}`,
    ...(left.length === 0 ? [] : [leftText(goal)]),
    ...routedTargets.flatMap((target) => changesOf(target, live.get(target), config)),
  ];
}

function leftText({ tag, left }: Goal): string {
  return `left as they are, because GitHub lets no workflow push them: ${left.join(", ")}. From a terminal: cutover rollback --level 2 --to ${tag}`;
}

function changesOf(
  target: RoutedTargetName,
  live: LiveRoute | undefined,
  { targets }: StackConfig,
): readonly string[] {
  const wanted = targets[target];
  if (live === undefined || isTampered(live)) return [`${target}: ${liveText(live)} -> as the file says`];
  const isNew = COLORS.filter((color) => {
    const image = wanted.images[color];
    return image !== undefined && image !== live.images[color];
  });
  return [
    ...configChanges(target, live, wanted),
    ...isNew.map(
      (color) =>
        `${target}: ${color} must start ${wanted.images[color] ?? ""} again; if that image is gone, the update says so and the traffic stays where it is`,
    ),
  ];
}

function resultText(tag: string, { recorded, healthy }: FilesBack, tookMs: number): string {
  return [
    recorded
      ? `The stack is back at ${tag}: routes, git and state agree.`
      : `The traffic is back as in ${tag}, but not all of it is recorded; see above. Finish it with: cutover resume`,
    ...(healthy ? [] : ["NOT HEALTHY: see above."]),
    budgetText(2, tookMs),
  ].join("\n");
}

export function exitCodeOf({ recorded, healthy }: FilesBack): ExitCode {
  if (!recorded) return exitCodes.notRecorded;
  return healthy ? exitCodes.done : exitCodes.failed;
}
