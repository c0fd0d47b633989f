import { editStackFile, setTraffic } from "../config/edit";
import { type LiveRoute, formatSplit, formatTime, isTampered, splitsEqual } from "../migration";
import { lockOf, lockText } from "./carryOut";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { goalOf } from "./goal";
import {
  Journal,
  type LevelPlan,
  type Plan,
  type TargetPlan,
  type UnfinishedIntent,
  isOfLevel,
} from "./journal";
import type { Project } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import { Report } from "./report";
import { Repository } from "./repository";
import { takeFastRoad } from "./rollback";
import { bringAllToLegacy, exitCodeOf as codeOfAll } from "./rollbackAll";
import { bringFilesBack, exitCodeOf as codeOfFiles } from "./rollbackFiles";
import { type Survey, survey } from "./survey";

export interface ResumeOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Finds what was interrupted, says whose it was, and finishes it. */
export async function resume({ project, json, dryRun, yes, signal }: ResumeOptions): Promise<ExitCode> {
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const journal = Journal.for(project.configFile, project.stack);
  const intents = journal?.unfinished() ?? [];
  const lock = lockOf(project);
  const working = [
    ...intents.filter(({ state }) => state === "alive").map(intentText),
    ...(lock !== undefined && lock !== "unreadable" && lock.owner !== "dead"
      ? [`an update: ${lockText(lock)}`]
      : []),
  ];
  if (working.length > 0) {
    const text = `Somebody is at work; nothing was changed.\n  ${working.join("\n  ")}`;
    report.result(text, { done: false, atWork: working });
    return exitCodes.locked;
  }

  const surveyed = await survey(project);
  const dead = intents.filter(({ state }) => state === "dead");
  const pending = await surveyed.engine.pendingOperations();
  const unrecorded = surveyed.situation.targets.flatMap(({ target, drift }) =>
    drift?.command === "cutover resume" ? [`${target}: ${drift.text}`] : [],
  );
  const found = [
    ...dead.map(intentText),
    ...intents.filter(({ state }) => state === "elsewhere").map((each) => `${intentText(each)}: left alone`),
    ...(lock !== undefined && lock !== "unreadable" ? [`the lock of an update: ${lockText(lock)}`] : []),
    ...pending.map(({ type, urn }) => `a step that was begun: ${type} ${urn.split("::").at(-1) ?? urn}`),
    ...unrecorded,
  ];
  if (found.length === 0) {
    report.result("There is nothing to resume: file, state and cluster agree.", { done: true, found });
    return exitCodes.done;
  }
  for (const each of found) report.note(each);
  if (dryRun || !(await confirm(`Finish this on stack ${project.stack}?`, yes, signal))) {
    report.result("Nothing was changed.", { done: false, found });
    return dryRun ? exitCodes.done : exitCodes.refused;
  }

  // A way back that was cut short goes first, and at once.
  const refresh = pending.length > 0;
  const level = dead.findLast(isOfLevel);
  if (level !== undefined) {
    const code = await resumeLevel(level, { project, repository, surveyed, report, signal, refresh });
    if (code !== exitCodes.done) return code;
  }
  const ofTargets = dead.flatMap((intent) => (isOfLevel(intent) ? [] : [intent]));
  // What was begun before the whole stack went back is over with that.
  const later = ofTargets.filter(({ since }) => level === undefined || since > level.since);
  for (const { target } of later.filter((intent) =>
    isRollbackToTake(intent, surveyed.live.get(intent.target)),
  )) {
    await takeFastRoad(surveyed.api, surveyed.config, target, report);
  }
  if (level === undefined || later.length > 0) {
    await commitAndCarryOut({
      project,
      repository,
      api: surveyed.api,
      edit: (text) => later.reduce(editFor, text),
      message: later.length > 0 ? `resume: ${later.map(summary).join(", ")}` : "resume",
      report,
      signal,
      refresh,
    });
  }
  for (const intent of dead) journal?.discard(intent);
  report.result("Done: file, state and cluster agree.", { done: true, found, steps: report.steps });
  return exitCodes.done;
}

interface LevelOptions {
  readonly project: Project;
  readonly repository: Repository;
  readonly surveyed: Survey;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly refresh: boolean;
}

/** Does again what is left of a rollback of the whole stack. Its note stays until all of it is recorded. */
async function resumeLevel(
  plan: LevelPlan,
  { repository, surveyed, ...options }: LevelOptions,
): Promise<ExitCode> {
  const { api, config } = surveyed;
  const tellAndCode = (code: ExitCode): ExitCode => {
    if (code !== exitCodes.done) {
      options.report.result("Not all of it could be finished: see above, then cutover resume again.", {
        done: false,
        problems: options.report.problems,
      });
    }
    return code;
  };
  if (plan.level === 3) {
    return tellAndCode(codeOfAll(await bringAllToLegacy({ ...options, api, config })));
  }
  const goal = await goalOf(repository, plan.to, options.report);
  return tellAndCode(codeOfFiles(await bringFilesBack({ ...options, repository, goal })));
}

function isRollbackToTake({ command, split }: TargetPlan, live: LiveRoute | undefined): boolean {
  return (
    command === "rollback" && (live === undefined || isTampered(live) || !splitsEqual(live.split, split))
  );
}

/** What the command would have committed. */
function editFor(text: string, { target, split, retire }: TargetPlan): string {
  const key = ["config", `pyairtable:${target}`, "legacy"];
  return retire === true ? editStackFile(text, key, "retired") : setTraffic(text, target, split);
}

function summary(plan: Plan): string {
  if (isOfLevel(plan)) return `rollback of level ${plan.level}${plan.level === 2 ? ` to ${plan.to}` : ""}`;
  const { command, target, split, retire } = plan;
  return `${command} ${target} to ${retire === true ? "retired legacy" : formatSplit(split)}`;
}

function intentText(intent: UnfinishedIntent): string {
  const { owner, since } = intent;
  return `${summary(intent)}, begun by ${owner.user}@${owner.host}, process ${owner.pid}, at ${formatTime(since)}`;
}
