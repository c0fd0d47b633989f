import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import type { Job, Step } from "./workflow";

export interface WorkflowRunOptions {
  /** Of the checkout. */
  readonly cwd: string;
  /** Where the steps leave their files, as RUNNER_TEMP. */
  readonly temp: string;
  /** Of every step; says all that the job's own `env` names. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** What GitHub would put in place of an expression: `{ "github.token": "t" }`. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface StepRun {
  /** The step's name, or the action that it uses. */
  readonly step: string;
  readonly outcome: "success" | "failure" | "skipped";
  /** All that it printed, in order. */
  readonly output: string;
}

export interface JobRun {
  readonly passed: boolean;
  readonly steps: readonly StepRun[];
  /** `steps.find.outputs.stacks` and the like. */
  readonly results: ReadonlyMap<string, string>;
}

/**
 * Runs the shell steps of a job in order, as GitHub's runner would; an action counts as done. What an expression means
 * isn't computed: `values` says it, and earlier steps do.
 */
export async function runJob(job: Job, options: WorkflowRunOptions): Promise<JobRun> {
  for (const name of Object.keys(job.env)) {
    if (options.env[name] === undefined) throw new Error(`found no ${name}, which the job's env names`);
  }
  const steps: StepRun[] = [];
  const results = new Map(Object.entries(options.values ?? {}));
  for (const step of job.steps) {
    const failed = steps.some(({ outcome }) => outcome === "failure");
    const run = await runStep(step, failed, results, options);
    steps.push(run);
    if (step.id !== undefined) results.set(`steps.${step.id}.outcome`, run.outcome);
  }
  return { passed: steps.every(({ outcome }) => outcome === "success"), steps, results };
}

async function runStep(
  step: Step,
  failed: boolean,
  results: Map<string, string>,
  { cwd, temp, env }: WorkflowRunOptions,
): Promise<StepRun> {
  const name = step.name ?? step.uses ?? "unnamed";
  if (failed && !runsAfterFailure(step)) return { step: name, outcome: "skipped", output: "" };
  if (step.run === undefined) return { step: name, outcome: "success", output: "" };
  const outputFile = path.join(temp, "outputs");
  fs.writeFileSync(outputFile, "");
  const own = Object.entries(step.env).map(([key, value]) => [key, evaluate(value, results)] as const);
  const { code, output } = await bash(step.run, cwd, {
    ...env,
    ...Object.fromEntries(own),
    RUNNER_TEMP: temp,
    GITHUB_OUTPUT: outputFile,
  });
  for (const line of fs.readFileSync(outputFile, "utf8").split("\n").filter(Boolean)) {
    const [key = "", ...value] = line.split("=");
    results.set(`steps.${step.id ?? name}.outputs.${key}`, value.join("="));
  }
  return { step: name, outcome: code === 0 ? "success" : "failure", output };
}

function runsAfterFailure({ if: condition }: Step): boolean {
  if (condition === undefined) return false;
  if (/^\$\{\{ (!cancelled|always)\(\) \}\}$/.test(condition)) return true;
  throw new Error(`found the condition ${condition}, which this runner doesn't know`);
}

function evaluate(text: string, results: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_all, expression: string) => {
    const value = results.get(expression);
    if (value === undefined) throw new Error(`found no value for ${expression}`);
    return value;
  });
}

/** As GitHub runs a step whose shell is bash. */
export async function bash(
  script: string,
  cwd: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  return { code: child.exitCode, output };
}
