import type { RoutedTargetName } from "../catalog";
import { editStackFile, removeFromStackFile } from "../config/edit";
import { firstInstance } from "../database/instance";
import { formatTime, judge } from "../migration";
import type { AppliedDatabase } from "../stack/outputs";
import { requireCommitted } from "./committedFile";
import { type Compared, comparisonText, uncomparedText } from "./comparison";
import { confirm } from "./confirm";
import { type KeptDatabase, databaseOf } from "./databaseOf";
import { deleteLeft } from "./deleteLeft";
import { type ExitCode, exitCodes } from "./exitCodes";
import type { Project } from "./project";
import { requireRecoverable } from "./recoverable";
import { type RecordedChange, commitAndCarryOut } from "./recordedChange";
import { Refused, enforce } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { compareRestored, timeName } from "./restoreComparison";
import { Consent, requireStillUnanswered } from "./restoreConsent";
import { schemaAt } from "./restoredSchema";
import { survey } from "./survey";

export interface RestoreOptions {
  readonly project: Project;
  /** The moment to go back to. */
  readonly to: Date;
  /** Switches even where it can't be listed what was written since. `yes` isn't enough for that. */
  readonly uncompared: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/**
 * Restores a target's database into a new instance beside the one in use, lists every row that isn't the same, and
 * switches to it by config. The old instance is kept, and need not answer. What was cut short is gone on with by asking
 * again.
 */
export async function restore(target: RoutedTargetName, options: RestoreOptions): Promise<ExitCode> {
  const { project, to, json, dryRun, signal } = options;
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const surveyed = await survey(project);
  const { api, config, head } = surveyed;
  for (const line of head) report.note(line);
  const database = await databaseOf(target, config, api);
  const { host, instance: from, namespace } = database;
  const applied = surveyed.applied.databases.get(target);
  const as = restoredInstance(target, to);
  const told = { target, to: to.toISOString(), from, instance: as };
  await requireCommitted(project, repository);
  const isSwitched = from === as;
  if (isSwitched && applied?.instance === as) {
    report.result(`${target} uses ${as} already, which is its database as it was at ${formatTime(to)}.`, {
      ...told,
      done: true,
    });
    return exitCodes.done;
  }
  if (database.kept.includes(as)) {
    throw new Refused(
      `${target}: found ${as} among those that are kept, expected it to be made anew: take it out of pyairtable:${target}.database.kept, or choose another moment; nothing was changed`,
    );
  }
  const why = isSwitched ? undefined : await requireRecoverable(target, database, { to, as }, api.now());
  enforce(judge(surveyed.judged));
  report.note(
    isSwitched
      ? `git says that ${target} uses ${as}, and no update has carried that out yet.`
      : `${from} is restored as it was at ${formatTime(to)} into ${as}, beside it, and compared; then you are asked whether to switch.`,
  );
  if (why !== undefined) report.problem(`${from} doesn't answer: ${why}`);
  if (dryRun) {
    report.result("Nothing was changed.", { ...told, done: false });
    return exitCodes.done;
  }
  const consent = new Consent(options);
  if (why !== undefined) {
    consent.requireSomebody(
      `${target}: what was written since can't be listed: ${from} doesn't answer (${why})`,
    );
  }
  const left = { api, namespace, target, host, instance: from };
  // A command that was killed while the new instance was being made.
  const refresh = (await surveyed.engine.pendingOperations()).length > 0;
  const change = { project, repository, api, report, signal, refresh, wait: true };
  if (isSwitched) {
    await commitAndCarryOut({ ...change, message: switchedTo(target, to) });
    await deleteLeft(left, report);
    report.result(`${target} uses ${as}, as was committed before.`, {
      ...told,
      done: true,
      steps: report.steps,
    });
    return exitCodes.done;
  }
  await deleteLeft(left, report);
  return restoreAndSwitch({ ...options, target, database, as, applied, change, consent });
}

interface Restoring extends RestoreOptions {
  readonly target: RoutedTargetName;
  readonly database: KeptDatabase;
  readonly as: string;
  /** What the last update has left. */
  readonly applied: AppliedDatabase | undefined;
  readonly change: Omit<RecordedChange, "edit" | "message">;
  readonly consent: Consent;
}

async function restoreAndSwitch(restoring: Restoring): Promise<ExitCode> {
  const { target, database, as, applied, change, consent, project, to, yes, signal } = restoring;
  const { report, repository, api } = change;
  const { host, instance: from } = database;
  const told = { target, to: to.toISOString(), from, instance: as };
  const stop = readOnly(target, to);
  // A command that was cut short has stopped the writing, and goes on.
  const isOwnStop = database.mode === "read-only" && (await repository.head()).summary === stop.message;
  const mode = isOwnStop ? "read-write" : database.mode;
  // That the file says so already doesn't mean that an update has got that far.
  const isStopped = applied?.instance === from && applied.mode === "read-only";
  const notSwitched = (words: string, compared: Compared): ExitCode => {
    report.result(words, { ...told, ...compared, done: false });
    return exitCodes.refused;
  };

  const restored = await host.restore(from, to, as, signal);
  let compared: Compared;
  let forgetsStep = false;
  try {
    report.step(`restored ${from} as it was at ${formatTime(to)} into ${as}`);
    const asked = { target, database, api, project, to, address: restored.address, signal };
    compared = await compareRestored(asked);
    report.step(`compared: ${compared.summary}`);
    report[uncomparedText(compared) === undefined ? "note" : "problem"](comparisonText(compared));
    const isDead = compared.unanswered !== undefined;
    const { stepInFile, note } = await schemaAt({ ...asked, isAlive: !isDead });
    if (note !== undefined) report.note(note);
    forgetsStep = stepInFile === "forgotten";
    const question = isDead
      ? `Switch ${target} to ${as}?`
      : `Make ${target} read-only, compare once more, and switch to ${as}?`;
    if (!(await confirm(question, yes, signal)) || !(await consent.to(compared))) {
      return notSwitched(
        "Nothing was switched. What was restored is there for when you ask again.",
        compared,
      );
    }
    if (isDead) {
      await requireStillUnanswered(target, compareRestored(asked));
    } else if (database.mode !== "read-only" || !isStopped) {
      await commitAndCarryOut({ ...change, ...stop });
      compared = await compareRestored(asked);
      report.step(`compared again, while nothing is written: ${compared.summary}`);
      if (!(await consent.to(compared))) {
        return notSwitched(
          `Nothing was switched, and ${target} is READ-ONLY: cutover read-only ${target} --off`,
          compared,
        );
      }
    }
  } finally {
    await restored.handOver();
  }

  await commitAndCarryOut({
    ...change,
    ...switched(target, { ...database, mode }, { as, to, forgetsStep }),
  });
  const still =
    mode === "read-only"
      ? ` It is READ-ONLY, as it was; when its data is right: cutover read-only ${target} --off.`
      : "";
  const signed = forgetsStep ? ", for which the contract step must be signed for as at first" : "";
  report.result(
    `${comparisonText(compared)}\n${target} uses ${as}. ${from} is kept until you take it out of pyairtable:${target}.database.kept.${still}\nUndo it with: git revert, and pulumi up${signed}`,
    { ...told, ...compared, kept: from, forgetsStep, done: true, steps: report.steps },
  );
  return exitCodes.done;
}

/** The same moment is the same instance, so that asking again goes on with it. */
export function restoredInstance(target: RoutedTargetName, to: Date): string {
  return `${firstInstance(target)}-${timeName(to)}`;
}

type Edit = Required<Pick<RecordedChange, "edit" | "message">>;

function readOnly(target: RoutedTargetName, to: Date): Edit {
  return {
    edit: (text) => editStackFile(text, ["config", `pyairtable:${target}`, "mode"], "read-only"),
    message: `${target}: read-only (a restore to ${formatTime(to)})`,
  };
}

/** @param mode what it is again */
function switched(
  target: RoutedTargetName,
  { instance, kept, mode, contract }: Pick<KeptDatabase, "instance" | "kept" | "mode" | "contract">,
  { as, to, forgetsStep }: { readonly as: string; readonly to: Date; readonly forgetsStep: boolean },
): Edit {
  const key = ["config", `pyairtable:${target}`];
  const forgotten = forgetsStep ? [...(contract ? ["contract"] : []), "migration"] : [];
  return {
    edit: (text) =>
      [
        [[...key, "database", "instance"], as] as const,
        [
          [...key, "database", "kept"],
          [...kept, instance],
        ] as const,
        ...(mode === "read-write" ? [[[...key, "mode"], mode] as const] : []),
      ].reduce(
        (edited, [at, value]) => editStackFile(edited, at, value),
        forgotten.reduce((edited, name) => removeFromStackFile(edited, [...key, "database", name]), text),
      ),
    message: `${switchedTo(target, to)}${forgetsStep ? ", before its contract step" : ""}`,
  };
}

function switchedTo(target: RoutedTargetName, to: Date): string {
  return `${target}: its database as it was at ${formatTime(to)}`;
}
