import fs from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "./catalog";
import type { Cloud } from "./stack/cloud";
import { ClusterError, readLiveRoutes } from "./cluster/liveRoutes";
import { KubeApi, UnreachableError } from "./cluster/kubeApi";
import { reason } from "./cluster/thrown";
import { KubeconfigError } from "./cluster/kubeconfig";
import { whereabouts } from "./cluster/whereabouts";
import { withoutStack } from "./components/withoutStack";
import { ConfigError } from "./config/problem";
import { loadStackConfig } from "./config/load";
import { judged, overridesIn } from "./config/judged";
import type { StackConfig } from "./config/parse";
import { withContents } from "./stack/contents";
import { requireImages } from "./stack/images";
import {
  type StepFacts,
  type WantedStep,
  contractions,
  keptSteps,
  readSteps,
  wantedStep,
} from "./stack/schemaSteps";
import {
  type Contraction,
  type JudgeInput,
  type StagingEvidence,
  type Violation,
  asksForEvidence,
  bringsBack,
  formatOverride,
  formatViolations,
  judgeUpdate,
  needsStaging,
  wouldComplete,
} from "./migration";
import { DaemonError } from "./monorepo/daemon";
import { type Applied, type AppliedStep, parseOutputs, type StackOutputs } from "./stack/outputs";
import { buildStack } from "./stack/stack";

/** Reads what is wanted and what is live, lets the rules judge, and only then says what shall be. */
async function main(): Promise<StackOutputs> {
  const loaded = loadStackConfig();
  const [config, api] = await Promise.all([withContents(loaded), KubeApi.connect(loaded.platform)]);
  void pulumi.log.info(whereabouts(pulumi.getStack(), config.platform, api));
  const [live, left] = await Promise.all([readLiveRoutes(api, config.platform.namespace), readApplied()]);
  const now = api.now();
  if (api.clockWarning !== undefined) void pulumi.log.warn(api.clockWarning);
  const { applied, facts: stepFacts } = await readSteps(api, config, { live, applied: left });
  const contracting = contractions(config, stepFacts);
  const facts = {
    live,
    staging: undefined,
    evidence: undefined,
    prepared: stepFacts.evidence,
    contractions: contracting,
    now,
  };
  const input = await withEvidence(
    await withStaging(judged(config, applied, facts), config),
    config,
    applied,
  );
  sayOverrides(config, now);
  sayUnmeasured(config);
  const { refused, aside } = judgeUpdate(input);
  enforce(refused);
  if (aside.length > 0) {
    void pulumi.log.warn(
      `A way back goes first; these routes are left as they are.\n${formatViolations(aside)}`,
    );
  }
  const isWayBack = bringsBack(input);
  await requireImages({ config, live, applied, bringsBack: isWayBack });
  const cloud = await connectedCloud(config);
  if (config.monorepo !== undefined)
    await (await import("./stack/adopt.js")).adoptMonorepo(config, isWayBack);
  const stepInput = { config, live, applied, facts: stepFacts };
  const steps = new Map(
    routedTargets.flatMap((target) => {
      const step = wantedStep(target, stepInput);
      return step === undefined ? [] : [[target, step] as const];
    }),
  );
  const kept = keptSteps(config, applied, stepFacts);
  saySteps(steps, stepFacts, applied, kept);
  sayGivenUp(config, contracting);
  return buildStack({
    config,
    live,
    completed: applied.completed,
    api,
    now,
    evidence: input.evidence,
    leftAlone: new Set(aside.map(({ target }) => target)),
    steps,
    keptSteps: kept,
    cloud,
    // Read here: in the bundle, every module's folder is this one's.
    backupScript: fs.readFileSync(path.join(__dirname, "backup", "backup.sh"), "utf8"),
  });
}

/** What the stack has in AWS, after AWS has taken the credentials. */
async function connectedCloud(config: StackConfig): Promise<Cloud> {
  const { aws } = config.platform;
  if (aws === undefined) return {};
  const { awsProvider, buildCloud, proveAccount } = await import("./stack/cloud.js");
  const provider = awsProvider(aws);
  await proveAccount(provider, aws);
  return buildCloud(config, aws, provider);
}

/** What waits only for time or for measurements is said in a preview and refused in an update; all else is refused in both. */
function enforce(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const message = `The rules refuse what the stack's config asks for; nothing was changed.\n${formatViolations(violations)}`;
  const onlyWaits = violations.every(({ notBefore, held }) => notBefore !== undefined || held === true);
  if (!pulumi.runtime.isDryRun() || !onlyWaits) throw withoutStack(new pulumi.RunError(message));
  void pulumi.log.warn(message);
}

/** This stack's own outputs from its last successful update. */
async function readApplied(): Promise<Applied> {
  const itself = new pulumi.StackReference(fullName(pulumi.getStack()));
  const names = ["targets", "infrastructure", "migration", "completed", "steps"] as const;
  const details = await Promise.all(names.map((name) => itself.getOutputDetails(name)));
  return parseOutputs(Object.fromEntries(names.map((name, index) => [name, details[index]?.value])));
}

/** Asks staging only where a colour gains weight: no way back may depend on it. */
async function withStaging(input: JudgeInput, { staging }: StackConfig): Promise<JudgeInput> {
  if (staging === undefined || !needsStaging(input)) return input;
  return { ...input, staging: await readStaging(staging.stack) };
}

/** Asks Prometheus only where a move or a completed soak needs evidence: no way back may depend on it. */
async function withEvidence(
  input: JudgeInput,
  config: StackConfig,
  { completed }: Applied,
): Promise<JudgeInput> {
  const { monitoring, migration } = config;
  if (monitoring?.evidence !== "required") return input;
  const { live, now } = input;
  const completes = wouldComplete(completed, live, migration.soakHours, now) && !bringsBack(input);
  if (!asksForEvidence(input) && !completes) return { ...input, evidence: new Map() };
  const { evidenceOf, gatherEvidence } = await import("./evidence/ask.js");
  return { ...input, evidence: evidenceOf(await gatherEvidence(config, live, now)) };
}

/** What a StackReference reads, but as a call, whose failure is not the whole update's. */
async function readStaging(stack: string): Promise<StagingEvidence> {
  try {
    const name = fullName(stack);
    const found: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
    return parseOutputs(readSchema.parse(found).outputs).completed;
  } catch (error) {
    return { unreadable: reason(error) };
  }
}

const readSchema = z.object({ outputs: z.record(z.string(), z.unknown()) });

function fullName(stack: string): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
}

/** An exception is seen in every preview for as long as it stands in the file. */
function sayOverrides(config: StackConfig, now: Date): void {
  const overrides = overridesIn(config);
  if (overrides.length === 0) return;
  void pulumi.log.warn(`Overrides:\n${overrides.map((each) => formatOverride(each, now)).join("\n")}`);
}

/** What is about to happen to a target's data, and what stays of it. */
function saySteps(
  steps: ReadonlyMap<RoutedTargetName, WantedStep>,
  { evidence }: StepFacts,
  applied: Applied,
  kept: ReadonlyMap<RoutedTargetName, AppliedStep>,
): void {
  for (const [target, { step, args }] of steps) {
    if (applied.steps.get(target)?.image === step.image) continue;
    const trial = evidence
      .get(target)
      ?.find(({ image, before }) => image === step.image && before === step.before);
    const how = trial
      ? `: ${trial.statements.length} statements, ${trial.seconds.toFixed(1)} s on a shadow of the backup of ${trial.backup.finishedAt}`
      : "";
    void pulumi.log.info(
      `${target}: the ${step.kind} step ${step.image} runs before a candidate gets pods, as the Job ${args.name}${how}.`,
    );
  }
  for (const [target, { image }] of kept) {
    if (steps.has(target)) continue;
    void pulumi.log.info(
      `${target}: the data stays expanded by ${image}. What that added can be taken away: cutover migrate ${target} --down.`,
    );
  }
}

/** What a contract step has left that failed and is wanted no more, nothing here knows. */
function sayGivenUp(config: StackConfig, contracting: ReadonlyMap<RoutedTargetName, Contraction>): void {
  for (const [target, contraction] of contracting) {
    if (contraction !== "failed" || config.targets[target].database?.migration !== undefined) continue;
    void pulumi.log.warn(
      `${target}: a contract step has failed and is given up. What it has left: cutover migrate ${target} --status`,
    );
  }
}

/** Latency is compared with what was measured, or not at all. */
function sayUnmeasured({ monitoring, targets }: StackConfig): void {
  const unmeasured = routedTargets.filter((target) => targets[target].baseline === undefined);
  if (monitoring === undefined || unmeasured.length === 0) return;
  const whose = unmeasured.length === routedTargets.length ? "any target" : unmeasured.join(", ");
  void pulumi.log.info(
    `No alert on the latency of ${whose}: legacy has no baseline there. cutover baseline TARGET measures it.`,
  );
}

/** What a user can mend is said in its own words, without a stack trace. */
function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const expected = [ConfigError, KubeconfigError, UnreachableError, ClusterError, DaemonError];
  return expected.some((type) => error instanceof type)
    ? withoutStack(new pulumi.RunError(error.message))
    : error;
}

export = async (): Promise<StackOutputs> => {
  try {
    return await main();
  } catch (error) {
    throw explained(error);
  }
};
