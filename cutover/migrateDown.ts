import fs from "node:fs";
import path from "node:path";
import { once } from "node:events";
import type { RoutedTargetName } from "../catalog";
import { deleteStepEvidence, readStepEvidence, writeStepEvidence } from "../cluster/stepEvidence";
import { readStepJobs } from "../cluster/stepJobs";
import type { StepEvidence } from "../database/evidence";
import { fingerprintOf } from "../database/fingerprint";
import { lostRows } from "../database/lostRows";
import type { SqlSession } from "../database/session";
import { unfinishedStep } from "../database/stepRecord";
import { tryDown } from "../database/trial";
import { stepId } from "../stack/schemaSteps";
import { confirm } from "./confirm";
import { contractedBy, restoreToBefore } from "./contracted";
import { type ExitCode, exitCodes } from "./exitCodes";
import {
  type MigrateContext,
  type MigrateOptions,
  adminSession,
  migrateContext,
  runStep,
  withShadow,
} from "./migrateContext";
import { Refused } from "./refused";
import { Report } from "./report";

/** Takes back the step that no release needs any more: tried on a shadow first, what is lost listed in a file. */
export async function takeStepBack(target: RoutedTargetName, options: MigrateOptions): Promise<ExitCode> {
  const { project, json, dryRun, yes, signal } = options;
  const report = new Report({ json });
  const context = await migrateContext(target, options, report);
  const { api, namespace, database } = context;
  const prepared = (await readStepEvidence(api, namespace)).get(target) ?? [];
  // Past a contract step the database's own word counts; else what is needed is known without it.
  const mayBePast = prepared.some(({ kind }) => kind === "contract");
  if (!mayBePast) await requireUnneeded(context);
  const session = await adminSession(context, { signal });
  try {
    await requireReturn(context, session, prepared);
    if (mayBePast) await requireUnneeded(context);
    const step = await stepToTakeBack(context, session, prepared);
    const { image, before, after } = step;
    if (dryRun || !(await confirm(`Take ${image} back on ${database.instance}?`, yes, signal))) {
      const would = `Would back up ${database.instance}, try the down of ${image} on a shadow, list what is lost, and run it.`;
      report.result(`${dryRun ? `${would} ` : ""}Nothing was changed.`, { target, image, done: false });
      return dryRun ? exitCodes.done : exitCodes.refused;
    }
    const gone = await withShadow(
      context,
      { what: `${target}-down`, report, signal },
      (shadow, shadowSession) =>
        tryDown(
          {
            session: shadowSession,
            run: (action) => runStep(context, { image, action, address: shadow.address }, signal),
            onProgress: (text) => report.progress(text),
            signal,
          },
          before,
        ),
    );
    report.step(`its down leads back on the shadow, without ${gone.join(", ") || "losing anything"}`);
    const file = path.join(project.dir, `${target}-taken-back-${timeName(api.now())}.jsonl`);
    const count = await listLost(session, gone, file);
    report.step(`listed ${count} rows of what is lost in ${file}`);
    const expected = { step: stepId(database.instance, step), before, after };
    // From here on its Job comes to its end by itself, even if this command doesn't.
    await writeStepEvidence(api, namespace, target, { ...step, takingBackSince: api.now().toISOString() });
    await runStep(context, { image, action: "down", expected }, signal);
    report.step("took the step back on the primary, and verified its schema");
    await deleteStepEvidence(api, namespace, target, step);
    report.result(`${target}: the schema is as it was before ${image}. What was lost is in ${file}.`, {
      target,
      image,
      done: true,
      gone,
      lost: { file, rows: count },
      steps: report.steps,
    });
    return exitCodes.done;
  } finally {
    await session.close();
  }
}

/** @throws Refused right after a contract step, with what to type instead */
async function requireReturn(
  { target, database: { instance, kept } }: MigrateContext,
  session: SqlSession,
  steps: readonly StepEvidence[],
): Promise<void> {
  const contracted = await contractedBy(session, { steps, instances: [instance, ...kept] });
  if (contracted?.isLast !== true) return;
  throw new Refused(
    `${target}: found ${instance} past the contract step ${contracted.image}, expected a step that its down takes back: the way back is a restore, ${restoreToBefore(target, contracted)}; nothing was changed.`,
  );
}

/** @throws Refused while the file, or what was last applied, has it */
async function requireUnneeded({ api, namespace, target, database }: MigrateContext): Promise<void> {
  const { migration } = database;
  if (migration !== undefined) {
    throw new Refused(
      `${target}: found ${migration} under pyairtable:${target}.database.migration, expected nothing: a release needs it. Bring traffic back first, take the key out of the file, commit and update; nothing was changed.`,
    );
  }
  const jobs = [...(await readStepJobs(api, namespace)).keys()].filter((name) =>
    name.startsWith(`${target}-step-`),
  );
  if (jobs.length === 0) return;
  throw new Refused(
    `${target}: found the Job ${jobs.join(", ")} of the last update, expected none: update first, so that the stack no longer has the step; nothing was changed.`,
  );
}

/**
 * The step that left the schema as it is, or was begun and never finished, in either direction.
 * @throws Refused with what stays, if it can't be taken back
 */
async function stepToTakeBack(
  { target, database: { instance } }: MigrateContext,
  session: SqlSession,
  prepared: readonly StepEvidence[],
): Promise<StepEvidence> {
  const live = await fingerprintOf(session);
  const unfinished = await unfinishedStep(session);
  const steps = prepared.filter(({ before, after }) => before !== after);
  const step =
    steps.find((each) => stepId(instance, each) === unfinished) ??
    // Taken back already by a command that was killed, it is what this one is about, and not the step before it.
    steps.find(
      ({ takingBackSince, before, after }) => takingBackSince !== undefined && [before, after].includes(live),
    ) ??
    steps.find(({ after }) => after === live);
  const stays = "the data stays expanded, which every release can live with; nothing was changed.";
  if (step === undefined) {
    throw new Refused(
      `${target}: found the schema ${live.slice(0, 12)}, expected one that a prepared step has left (${steps.map(({ after }) => after.slice(0, 12)).join(", ") || "there is none"}): ${stays}`,
    );
  }
  if (!step.reversible || step.kind === "contract") {
    throw new Refused(
      `${target}: found that the down of ${step.image} was no way back on its shadow, expected one that was: ${step.kind === "contract" ? "the way back is a restore; nothing was changed." : stays}`,
    );
  }
  return step;
}

/** @returns how many rows */
async function listLost(session: SqlSession, gone: readonly string[], file: string): Promise<number> {
  // Not for others to read: it is users' data.
  const stream = fs.createWriteStream(file, { mode: 0o600, flags: "wx" });
  let count = 0;
  for await (const line of lostRows(session, gone)) {
    if (!stream.write(`${line}\n`)) await once(stream, "drain");
    count += 1;
  }
  stream.end();
  await once(stream, "close");
  return count;
}

function timeName(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
}
