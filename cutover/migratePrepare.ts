import type { RoutedTargetName } from "../catalog";
import { writeStepEvidence } from "../cluster/stepEvidence";
import type { StepEvidence } from "../database/evidence";
import { roleName } from "../database/roles";
import { tryStep } from "../database/trial";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type MigrateOptions, migrateContext, runStep, withShadow } from "./migrateContext";
import { UsageError } from "./project";
import { Report } from "./report";
import { trialText } from "./trialView";

/** Tries the step that a target's releases need on a shadow of its data, and leaves evidence for the update. */
export async function prepareStep(target: RoutedTargetName, options: MigrateOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const report = new Report({ json });
  const context = await migrateContext(target, options, report);
  const { database, api, namespace } = context;
  const { migration: image, instance } = database;
  if (image === undefined) {
    throw new UsageError(
      `found no pyairtable:${target}.database.migration in ${project.configFile}, expected the step's image`,
    );
  }
  if (dryRun) {
    report.result(
      `Would back up ${instance}, and try ${image} on a shadow of that backup. Nothing was changed.`,
      { target, image, instance },
    );
    return exitCodes.done;
  }
  const { trial, backup } = await withShadow(
    context,
    { what: `${target}-step`, report, signal },
    async (shadow, session, of) => ({
      backup: of,
      trial: await tryStep({
        session,
        role: roleName(target, "owner"),
        run: (action) => runStep(context, { image, action, address: shadow.address }, signal),
        onProgress: (text) => report.progress(text),
        signal,
      }),
    }),
  );
  const { before, after, kind, reversible, seconds, locks, tables } = trial;
  const evidence: StepEvidence = {
    image,
    before,
    after,
    kind,
    reversible,
    backup,
    preparedAt: api.now().toISOString(),
    seconds,
    statements: trial.statements.map((run) => ({ ...run, statement: run.statement.slice(0, longestText) })),
    locks,
    tables,
  };
  await writeStepEvidence(api, namespace, target, evidence);
  report.step(`evidence written: ${kind}, ${reversible ? "reversible" : "not reversible"}`);
  const next =
    kind === "expand"
      ? "The next update may run it on the primary."
      : "A contract step: it needs legacy: retired and sign-offs, and the way back from it is a restore (docs/schema-step.md).";
  report.result(`${trialText(target, trial)}\n\n${next}`, {
    target,
    evidence,
    refused: trial.refused,
    gone: trial.gone,
    irreversible: trial.irreversible ?? null,
    steps: report.steps,
  });
  return exitCodes.done;
}

/** Of a statement, as it is kept: an object of the API server holds a megabyte. */
const longestText = 2_000;
