import { type RoutedTargetName, routedTargets } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { type StepEvidenceByTarget, readStepEvidence } from "../cluster/stepEvidence";
import { type StepJobState, readStepJobs } from "../cluster/stepJobs";
import type { SchemaStepArgs } from "../components/extractedService";
import type { StackConfig } from "../config/parse";
import { type Contraction, type LiveRoute, believed, identityOf, isWayBack } from "../migration";
import { shortHash } from "../migration/split";
import type { Applied, AppliedStep } from "./outputs";

/** What is known in the cluster of the targets' steps. */
export interface StepFacts {
  readonly evidence: StepEvidenceByTarget;
  /** By name. */
  readonly jobs: ReadonlyMap<string, StepJobState>;
}

export interface StepFactsOptions {
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  readonly applied: Pick<Applied, "steps">;
}

/**
 * Nothing is asked for stacks whose targets need no step, and none has had one, as far as file and state know. Where legacy
 * is retired a contract step may have been begun that neither knows of.
 */
export async function readStepFacts(
  api: KubeApi,
  { platform, targets }: StackConfig,
  { live, applied }: StepFactsOptions,
): Promise<StepFacts> {
  const mayHaveOne = (target: RoutedTargetName): boolean => {
    const { database } = targets[target];
    const isRetired = believed(live.get(target))?.legacy === "retired";
    return database !== undefined && (database.migration !== undefined || isRetired);
  };
  if (applied.steps.size === 0 && !routedTargets.some(mayHaveOne)) {
    return { evidence: new Map(), jobs: new Map() };
  }
  const [evidence, jobs] = await Promise.all([
    readStepEvidence(api, platform.namespace),
    readStepJobs(api, platform.namespace),
  ]);
  return { evidence, jobs };
}

/** What was last applied, without what was taken back since, and what is known of the targets' steps. */
export async function readSteps<T extends Pick<Applied, "steps">>(
  api: KubeApi,
  config: StackConfig,
  { live, applied }: StepFactsOptions & { readonly applied: T },
): Promise<{ readonly applied: T; readonly facts: StepFacts }> {
  const facts = await readStepFacts(api, config, { live, applied });
  return { applied: withoutTakenBack(applied, facts), facts };
}

/**
 * What was last applied, without what was taken back since: an update has taken away such a step's Job, and its down the
 * evidence. Both are gone only then, so that whoever wants it again must try it again.
 */
export function withoutTakenBack<T extends Pick<Applied, "steps">>(
  applied: T,
  { evidence, jobs }: StepFacts,
): T {
  const steps = [...applied.steps].filter(([target, step]) => {
    const job = `${jobBase(target, step.instance, step)}-`;
    return (
      evidence.get(target)?.some((each) => isOf(each, step.image) && each.before === step.before) === true ||
      [...jobs.keys()].some((name) => name.startsWith(job))
    );
  });
  return { ...applied, steps: new Map(steps) };
}

/** A step as the stack makes it. */
export interface WantedStep {
  readonly step: AppliedStep;
  readonly args: SchemaStepArgs;
}

export interface WantedStepInput {
  readonly config: StackConfig;
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  readonly applied: Pick<Applied, "steps">;
  readonly facts: StepFacts;
}

/**
 * The step that a target's releases need, as it was prepared; undefined for none, for one that wasn't prepared, and for a
 * contract step on a way back, which the rules aren't shown.
 */
export function wantedStep(target: RoutedTargetName, input: WantedStepInput): WantedStep | undefined {
  const { config, live, facts } = input;
  const wanted = config.targets[target];
  const { database } = wanted;
  const { postgresql } = config;
  if (database?.migration === undefined || postgresql === undefined) return undefined;
  const { instance, migration: image } = database;
  const record = believed(live.get(target));
  const goesBack = record !== undefined && isWayBack(record, wanted);
  const applied = input.applied.steps.get(target);
  const step = isOf(applied, image)
    ? appliedOn(instance, applied)
    : preparedStep(target, instance, image, facts);
  if (step === undefined) return undefined;
  const isUnjudged = goesBack || wanted.legacy === "standby";
  if (step.kind === "contract" && !isOf(applied, image) && isUnjudged) return undefined;
  const { before, after, seconds } = step;
  return {
    step,
    args: {
      name: jobName(jobBase(target, instance, step), facts.jobs, goesBack),
      image,
      client: postgresql.image,
      expected: { step: stepId(instance, step), before, after },
      deadlineSeconds: Math.max(shortestDeadline, Math.ceil(seconds * patience)),
      mustSucceed: !goesBack,
    },
  };
}

/** What a database's record of steps knows it by. */
export function stepId(instance: string, { image, before }: Pick<AppliedStep, "image" | "before">): string {
  return shortHash([instance, identityOf(image), before]);
}

/** What the names of a step's Jobs begin with, before the number of the attempt. */
function jobBase(target: RoutedTargetName, instance: string, step: Parameters<typeof stepId>[1]): string {
  return `${target}-step-${stepId(instance, step)}`;
}

/** In seconds. */
const shortestDeadline = 600;
/** With readers and writers beside it, it takes longer than on the shadow. */
const patience = 10;

function isOf<T extends { readonly image: string }>(step: T | undefined, image: string): step is T {
  return step !== undefined && identityOf(step.image) === identityOf(image);
}

/**
 * The one that was applied stays what it was, whatever was prepared since. On another instance, which a restore has made,
 * an expand step runs again if it must; a contract step must be there already: nobody has signed for a second one.
 */
function appliedOn(instance: string, step: AppliedStep): AppliedStep {
  if (step.instance === instance) return step;
  return step.kind === "contract" ? { ...step, instance, before: step.after } : { ...step, instance };
}

function preparedStep(
  target: RoutedTargetName,
  instance: string,
  image: string,
  { evidence }: StepFacts,
): AppliedStep | undefined {
  const found = evidence.get(target)?.find((each) => isOf(each, image));
  if (found === undefined) return undefined;
  const { before, after, kind, seconds } = found;
  return { image, instance, before, after, kind, seconds };
}

/** What has become of the contract steps whose Jobs are there, of each target's instance in the file. */
export function contractions(
  { targets }: Pick<StackConfig, "targets">,
  { evidence, jobs }: StepFacts,
): ReadonlyMap<RoutedTargetName, Contraction> {
  return new Map(
    [...evidence].flatMap(([target, steps]) => {
      const { database } = targets[target];
      if (database === undefined) return [];
      const names = steps
        .filter(({ kind }) => kind === "contract")
        .map((step) => `${jobBase(target, database.instance, step)}-`);
      const states = [...jobs].flatMap(([job, state]) =>
        names.some((name) => job.startsWith(name)) ? [state] : [],
      );
      if (states.length === 0) return [];
      return [[target, states.every((state) => state === "failed") ? "failed" : "begun"] as const];
    }),
  );
}

/** A failed attempt is followed by another; any other stays, so that nothing changes where nothing is to be done. */
function jobName(base: string, jobs: StepFacts["jobs"], goesBack: boolean): string {
  const attempts = [...jobs].flatMap(([name, state]) => {
    const number = Number(name.startsWith(`${base}-`) ? name.slice(base.length + 1) : NaN);
    return Number.isInteger(number) ? [{ number, state }] : [];
  });
  const [last] = attempts.toSorted((a, b) => b.number - a.number);
  if (last === undefined) return `${base}-1`;
  return `${base}-${last.state === "failed" && !goesBack ? last.number + 1 : last.number}`;
}

/** What the last update left, but for what was taken back since, by its down or by a restore. */
export function keptSteps(
  { targets }: StackConfig,
  { steps }: Pick<Applied, "steps">,
  { evidence }: StepFacts,
): ReadonlyMap<RoutedTargetName, AppliedStep> {
  return new Map(
    [...steps].filter(([target, { image, instance, before, kind }]) => {
      const { database } = targets[target];
      if (database === undefined) return false;
      if (database.migration !== undefined) return true;
      if (kind === "contract" && instance !== database.instance) return false;
      // Whoever takes a step back takes its evidence away.
      return evidence.get(target)?.some((each) => each.image === image && each.before === before) === true;
    }),
  );
}
