import path from "node:path";
import { readLiveRoutes } from "../cluster/liveRoutes";
import { parseStackFile } from "../config/stackFile";
import { type LiveRoute, formatSplit, isTampered, judgeUpdate, splitsEqual } from "../migration";
import { carryOut, changesText, markGood } from "./carryOut";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { liveText } from "./fastRoad";
import { GitError } from "./git";
import type { Project } from "./project";
import { Refused, enforce } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { configChanges } from "./situation";
import { type Survey, survey } from "./survey";

export interface UpdateCommandOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** Looks first at what really exists. */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
}

/** Makes the stack what the committed file says: rules and policies first, then update, proof, tag. */
export async function update(options: UpdateCommandOptions): Promise<ExitCode> {
  const { project, json, dryRun, refresh, signal } = options;
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  if (await repository.hasUncommittedEdit()) {
    throw new Refused(
      `${project.configFile} has changes that are not committed, expected none: commit or stash them first`,
    );
  }
  const surveyed = await survey(project);
  enforce(judgeUpdate(surveyed.judged).refused);
  const moves = movesOf(surveyed);
  for (const move of moves) report.note(move);
  const policyPack = path.join(project.dir, "policy");
  const { changes } = await surveyed.engine.preview({ signal, refresh, policyPack });
  const preview = changesText(changes);
  report.step(`previewed, rules and policies pass: ${preview}`);
  if (dryRun || !(await confirm(`Carry this out on stack ${project.stack}?`, options.yes, signal))) {
    report.result(`Nothing was changed. The update would: ${preview}`, { moves, preview, done: false });
    return dryRun ? exitCodes.done : exitCodes.refused;
  }

  const { id, summary } = await repository.head();
  await carryOut({
    project,
    config: surveyed.config,
    api: surveyed.api,
    message: `${id.slice(0, 9)} ${summary}`,
    report,
    signal,
    refresh,
    policyPack,
    wait: true,
    afterWait: () => requireAsBefore(surveyed),
    wantedNow: async () => parseStackFile(await repository.committed()),
    onProgress: (text) => report.progress(text),
  });
  const isMarked = await mark(project, surveyed, repository, report);
  report.result(
    isMarked
      ? `The stack is as ${id.slice(0, 9)} says, verified and marked as good.`
      : `The stack is as ${id.slice(0, 9)} says, and verified, but it isn't marked as good: see above.`,
    { moves, preview, done: true, marked: isMarked, steps: report.steps, problems: report.problems },
  );
  return isMarked ? exitCodes.done : exitCodes.notRecorded;
}

/** What the file asks of each target, from its live route. */
function movesOf({ live, situation }: Survey): readonly string[] {
  return situation.targets.flatMap(({ target, wanted }) => {
    const route = live.get(target);
    if (route !== undefined && !isTampered(route)) return configChanges(target, route, wanted);
    return [`${target}: ${liveText(route)} -> ${formatSplit(wanted.split)}`];
  });
}

/**
 * Whoever was waited for may have been a rollback, and this commit would take it back.
 * @throws Refused
 */
async function requireAsBefore({ api, config, live, situation }: Survey): Promise<void> {
  const now = await readLiveRoutes(api, config.platform.namespace);
  const moved = situation.targets.filter(({ target, wanted }) => {
    const route = now.get(target);
    return !isSame(route, live.get(target)) && !isAt(route, wanted.split);
  });
  if (moved.length === 0) return;
  const found = moved.map(
    ({ target }) => `  ${target}: ${liveText(live.get(target))} -> ${liveText(now.get(target))}`,
  );
  throw new Refused(
    `The update that was waited for has moved traffic, which this commit might take back; nothing was changed.\n${found.join("\n")}\nStart again from the newest commit.`,
  );
}

function isSame(one: LiveRoute | undefined, other: LiveRoute | undefined): boolean {
  return one !== undefined && other !== undefined && !isTampered(other) && isAt(one, other.split);
}

function isAt(route: LiveRoute | undefined, split: Parameters<typeof splitsEqual>[0]): boolean {
  return route !== undefined && !isTampered(route) && splitsEqual(route.split, split);
}

async function mark(
  project: Project,
  { config }: Survey,
  repository: Repository,
  report: Report,
): Promise<boolean> {
  try {
    await markGood({ project, config, report, repository, tagOnly: true });
    return true;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    report.problem(error.message);
    return false;
  }
}
