import path from "node:path";
import { routedTargets } from "../catalog";
import { run } from "../tools/child";
import { budgetMinutes, budgetText } from "./budget";
import { carryOut } from "./carryOut";
import { withStackFile } from "./committedFile";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { GitError } from "./git";
import {
  type Goal,
  chooseGoal,
  judgeGoal,
  leftText,
  planText,
  refuseUncommitted,
  requireReceivers,
} from "./goal";
import { reportHealth } from "./health";
import { Journal } from "./journal";
import type { Project } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import { Report } from "./report";
import { Repository } from "./repository";
import { type RouteMove, moveRoutes, whileHeld } from "./routeMoves";
import { reason } from "../cluster/thrown";

export interface RollbackFilesOptions {
  readonly project: Project;
  /** The good state's tag. @default the newest that differs and asks for nothing but ways back */
  readonly to?: string;
  /** Only to a good state that has all traffic where it is now. */
  readonly keepTraffic: boolean;
  /** Why, for the commit and the stack's history. @default not said */
  readonly because?: string;
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
  const goal = await chooseGoal(repository, project.stack, options, report);
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
  const end = await bringFilesBack({
    project,
    repository,
    goal,
    report,
    signal,
    ...(options.because !== undefined && { because: options.because }),
  });
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
  readonly because?: string;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
}

/** Moves the traffic, then commits the files, updates, verifies, marks, pushes and looks whether all are healthy. */
export async function bringFilesBack(options: BringFilesOptions): Promise<FilesBack> {
  const { goal, report } = options;
  const { api, config } = goal;
  const moved = await moveRoutes(api, config, fastMoves(goal), report);
  const recorded = await whileHeld(api, config, moved, report, () => record(options));
  const splits = new Map(routedTargets.map((target) => [target, config.targets[target].split]));
  const healthy = await reportHealth(api, config.platform, splits, report);
  return { recorded, healthy };
}

function fastMoves({ config, live, roads }: Goal): readonly RouteMove[] {
  return routedTargets
    .filter((target) => roads.get(target) === "fast")
    .map((target) => ({ target, live: live.get(target), split: config.targets[target].split }));
}

async function record({
  project,
  repository,
  goal,
  report,
  signal,
  because,
  refresh = false,
}: BringFilesOptions): Promise<boolean> {
  const { api, tag, text, config } = goal;
  const why = because === undefined ? "" : ` (${because})`;
  const message = `rollback level 2: to ${tag}${why}`;
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
