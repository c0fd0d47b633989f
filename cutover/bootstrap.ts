import path from "node:path";
import { type Aws, awsReason, openAws } from "../state/aws";
import { Bucket } from "../state/bucket";
import { Key } from "../state/key";
import { type StatePlace, statePlace } from "../state/place";
import { type StackPlace, StackRecord } from "../state/stack";
import { StateError } from "../state/stateError";
import type { Step } from "../state/step";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type Project, UsageError, readWanted } from "./project";
import { Report } from "./report";

export interface BootstrapOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Makes what holds a stack's state, before there is a stack: keys, bucket, and the stack itself in it. */
export async function bootstrap({ project, json, dryRun, yes, signal }: BootstrapOptions): Promise<ExitCode> {
  const report = new Report({ json });
  const place = placeOf(project);
  const { account, region, bucket, backendUrl } = place;
  const aws = await openAws(place);
  const steps = await wanting(aws, place);
  const result = (words: string, isDone: boolean): void =>
    report.result(words, {
      stack: project.stack,
      account,
      region,
      bucket,
      backendUrl,
      steps: steps.map(({ text }) => text),
      done: isDone,
    });
  if (steps.length === 0) {
    result(`Nothing to do: the state of ${project.stack} is as it shall be.\n${next(place)}`, true);
    return exitCodes.done;
  }
  report.note(`account ${account}, ${region}:`);
  for (const { text } of steps) report.note(`- ${text}`);
  if (dryRun) {
    result("Nothing was changed.", false);
    return exitCodes.done;
  }
  if (!(await confirm(`Do this in the AWS account ${account}?`, yes, signal))) {
    result("Nothing was changed.", false);
    return exitCodes.refused;
  }
  await carryOut(steps, report, signal);
  await verify(aws, place);
  result(
    `The state of ${project.stack} is ready. Commit ${path.basename(project.configFile)}, which has its encrypted key.\n${next(place)}`,
    true,
  );
  return exitCodes.done;
}

function placeOf(project: Project): StackPlace {
  const { stack, dir, configFile } = project;
  const { aws } = readWanted(project).platform;
  if (aws === undefined) {
    throw new UsageError(
      `${path.basename(configFile)}: found no pyairtable:platform.aws, expected the account and the region that the state is to be in`,
    );
  }
  const stackFile = path.join(dir, `Pulumi.${stack}.yaml`);
  if (configFile !== stackFile) {
    throw new UsageError(
      `found --config-file, expected none: Pulumi writes the stack's key into ${stackFile}`,
    );
  }
  return { ...statePlace(aws, stack), stack, projectDir: dir, stackFile };
}

/** What is not as it shall be yet, in the order in which it is made. */
async function wanting({ s3, kms }: Aws, place: StackPlace): Promise<Step[]> {
  try {
    const [bucketKey, stackKey, bucket] = await Promise.all([
      Key.find(kms, place.bucketKeyAlias),
      Key.find(kms, place.stackKeyAlias),
      Bucket.find(s3, place),
    ]);
    const record = await StackRecord.find(s3, place, bucket.exists);
    return [
      ...bucketKey.steps(`the state of all stacks`),
      ...bucket.steps(bucketKey),
      ...stackKey.steps(`the secrets of ${place.stack}`),
      ...record.steps(),
    ];
  } catch (error) {
    if (error instanceof StateError) throw error;
    throw new StateError(`${awsReason(error)}; nothing was changed`);
  }
}

async function carryOut(steps: readonly Step[], report: Report, signal: AbortSignal): Promise<void> {
  for (const step of steps) {
    const { text } = step;
    signal.throwIfAborted();
    try {
      await step.run();
    } catch (error) {
      const why = error instanceof StateError ? error.message : awsReason(error);
      throw new StateError(`can't ${text}: ${why}. What is done stays; run it again to go on`);
    }
    report.step(text);
  }
}

/** Believes only what it reads back. */
async function verify(aws: Aws, place: StackPlace): Promise<void> {
  const left = await wanting(aws, place);
  if (left.length === 0) return;
  throw new StateError(
    `found still missing, after it was made: ${left.map(({ text }) => text).join("; ")}: run it again`,
  );
}

function next({ backendUrl }: StatePlace): string {
  return `In your shell, and as CI's variable of that name:\n  export PULUMI_BACKEND_URL='${backendUrl}'`;
}
