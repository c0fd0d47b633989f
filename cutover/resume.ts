import { editStackFile, setTraffic } from "../config/edit";
import { type LiveRoute, formatSplit, formatTime, isTampered, splitsEqual } from "../migration";
import { lockOf, lockText } from "./carryOut";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { Journal, type UnfinishedIntent } from "./journal";
import type { Project } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import { Report } from "./report";
import { Repository } from "./repository";
import { takeFastRoad } from "./rollback";
import { survey } from "./survey";

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
  for (const { target } of dead.filter((intent) =>
    isRollbackToTake(intent, surveyed.live.get(intent.target)),
  )) {
    await takeFastRoad(surveyed.api, surveyed.config, target, report);
  }
  await commitAndCarryOut({
    project,
    repository,
    api: surveyed.api,
    edit: (text) => dead.reduce(editFor, text),
    message: dead.length > 0 ? `resume: ${dead.map(summary).join(", ")}` : "resume",
    report,
    signal,
    refresh: pending.length > 0,
  });
  for (const intent of dead) journal?.discard(intent);
  report.result("Done: file, state and cluster agree.", { done: true, found, steps: report.steps });
  return exitCodes.done;
}

function isRollbackToTake({ command, split }: UnfinishedIntent, live: LiveRoute | undefined): boolean {
  return (
    command === "rollback" && (live === undefined || isTampered(live) || !splitsEqual(live.split, split))
  );
}

/** What the command would have committed. */
function editFor(text: string, { target, split, retire }: UnfinishedIntent): string {
  const key = ["config", `pyairtable:${target}`, "legacy"];
  return retire === true ? editStackFile(text, key, "retired") : setTraffic(text, target, split);
}

function summary({ command, target, split, retire }: UnfinishedIntent): string {
  return `${command} ${target} to ${retire === true ? "retired legacy" : formatSplit(split)}`;
}

function intentText(intent: UnfinishedIntent): string {
  const { owner, since } = intent;
  return `${summary(intent)}, begun by ${owner.user}@${owner.host}, process ${owner.pid}, at ${formatTime(since)}`;
}
