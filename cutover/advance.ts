import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { RoutedTargetName } from "../catalog";
import { editStackFile, setTraffic } from "../config/edit";
import {
  type Color,
  type PlannedStep,
  applyStep,
  believed,
  formatStep,
  grownTo,
  judge,
  stepsToExtracted,
} from "../migration";
import { requireCommitted } from "./committedFile";
import { confirm } from "./confirm";
import { Engine } from "./engine";
import { type ExitCode, exitCodes } from "./exitCodes";
import { Journal } from "./journal";
import { type Project, UsageError } from "./project";
import { Refused, enforce } from "./refused";
import { commitAndCarryOut } from "./recordedChange";
import { Report } from "./report";
import { Repository } from "./repository";
import { type TargetSituation, configChanges, formatMinute } from "./situation";
import { type Survey, survey } from "./survey";

export interface AdvanceOptions {
  readonly project: Project;
  /** Who gets the traffic. @default the candidate */
  readonly to?: Color;
  /** Percent. @default the plan's next: 10, 50, 100 */
  readonly weight?: number;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Takes a target's next step: more traffic for the candidate, or legacy's retirement. */
export async function advance(target: RoutedTargetName, options: AdvanceOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const surveyed = await survey(project);
  for (const line of surveyed.head) report.note(line);
  const place = placeOf(surveyed, target);
  const step = nextStep(place, surveyed, options);
  if (step === undefined) {
    report.result(`${target} is extracted: there is no further step.`, { target, step: null });
    return exitCodes.done;
  }
  const wanted = applyStep(step, place.wanted);
  if (wanted === undefined) throw new Refused(`${target}: ${heldBack(place, step)}`);
  enforce(judgeWith(surveyed, target, wanted));
  await requireCommitted(project, repository);

  const changes = configChanges(target, place.wanted, wanted);
  for (const change of changes) report.note(change);
  const others = await repository.otherChanges();
  if (others.length > 0) report.note(`left alone, because it is not this step's: ${others.join(", ")}`);
  const edit = (text: string): string =>
    step.kind === "retire"
      ? editStackFile(text, ["config", `pyairtable:${target}`, "legacy"], "retired")
      : setTraffic(text, target, wanted.split);
  if (dryRun) {
    const preview = await previewOf(project, edit(await repository.committed()), signal);
    report.result(`Nothing was changed. The update would: ${preview}`, { target, changes, preview });
    return exitCodes.done;
  }
  if (!(await confirm(`Take this step on stack ${project.stack}?`, options.yes, signal))) {
    report.result("Nothing was changed.", { target, changes, done: false });
    return exitCodes.refused;
  }

  const journal = Journal.for(project.configFile, project.stack);
  const retire = step.kind === "retire";
  const from = changes.join(", ");
  const unnoted = journal?.begin(
    { command: "advance", target, split: wanted.split, from, ...(retire && { retire }) },
    new Date(),
  );
  if (unnoted !== undefined) report.problem(unnoted);
  const { api } = surveyed;
  const message = `${target}: ${formatStep(step)}`;
  await commitAndCarryOut({ project, repository, api, edit, message, report, signal });
  journal?.end();
  report.result(`${target}: ${formatStep(step)}, done. Undo it with: cutover rollback ${target}`, {
    target,
    changes,
    done: true,
    steps: report.steps,
  });
  return exitCodes.done;
}

function placeOf({ situation }: Survey, target: RoutedTargetName): TargetSituation {
  const place = situation.targets.find((each) => each.target === target);
  if (place === undefined) throw new Error(`${target} is missing in the situation`);
  if (place.drift !== undefined) {
    throw new Refused(
      `${target}: ${place.drift.text}. Resolve that first: ${place.drift.command}; nothing was changed.`,
    );
  }
  return place;
}

/** The step that is asked for, or else the plan's next. */
function nextStep(
  place: TargetSituation,
  { config, live, situation }: Survey,
  { to, weight }: AdvanceOptions,
): PlannedStep | undefined {
  const color = to ?? place.candidate;
  if (color === "ambiguous") {
    throw new UsageError(
      `${place.target}: blue and green could both be meant, expected --to blue or --to green`,
    );
  }
  const record = believed(live.get(place.target));
  const { soakHours } = config.migration;
  const steps = stepsToExtracted(record, place.wanted, soakHours, situation.at, color);
  const [first] = steps;
  if (weight === undefined || first?.kind === "stage") return first;
  if (color === undefined) return first;
  try {
    return { kind: "traffic", color, split: grownTo(place.wanted.split, color, weight) };
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${place.target}: ${error.message}`);
    throw error;
  }
}

function heldBack({ target }: TargetSituation, step: PlannedStep): string {
  if (step.kind === "stage") {
    return `${step.color} has no image, expected one that is staged: pulumi config set --path 'pyairtable:${target}.${step.color}' IMAGE, commit, pulumi up`;
  }
  const until = step.kind === "soak" && step.until ? `, not before ${formatMinute(step.until)}` : "";
  return `it is soaking${until}`;
}

/** What the rules say if `target` were `wanted`, all else as it is. */
export function judgeWith(
  { judged }: Survey,
  target: RoutedTargetName,
  wanted: TargetSituation["wanted"],
): ReturnType<typeof judge> {
  return judge({ ...judged, wanted: new Map(judged.wanted).set(target, wanted) });
}

/** What an update of this text would do: `1 update, 129 same`. */
async function previewOf(project: Project, text: string, signal: AbortSignal): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cutover-"));
  try {
    const configFile = path.join(folder, path.basename(project.configFile));
    fs.writeFileSync(configFile, text, { mode: 0o600 });
    const engine = await Engine.open({ projectDir: project.dir, stack: project.stack, configFile });
    const { changes } = await engine.preview({ signal });
    return Object.entries(changes)
      .map(([operation, count]) => `${count} ${operation}`)
      .join(", ");
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
