import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { z } from "zod";
import { localEnvironment } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { checkoutDir } from "../../local/paths";
import { tools } from "./world";

/** How a `cutover` ended. */
export interface CutoverResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** When it was started, in epoch milliseconds. */
  readonly startedAt: number;
}

const command = path.join(checkoutDir, "cutover", "bin", "cutover");

/**
 * Runs `cutover` as a user would, in the checkout, on the stack file of `stack`.
 * @param environment over that of the local stack; undefined takes a variable away
 */
export async function cutover(
  stack: LocalStack,
  args: readonly string[],
  environment: Readonly<NodeJS.ProcessEnv> = {},
): Promise<CutoverResult> {
  const env = { ...process.env, ...localEnvironment(await tools()), ...environment };
  const startedAt = Date.now();
  const child = spawn(command, [...args, "--config-file", stack.stackFile], {
    cwd: checkoutDir,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr, startedAt };
}

/** A `cutover` that goes on until somebody presses Ctrl-C. */
export interface Watching {
  /** All that it has said so far. */
  readonly said: () => string;
  /** @returns the exit code */
  readonly interrupt: () => Promise<number | null>;
}

/** @param where its output goes: to another program, or to a terminal, at which Ctrl-C is a key */
export async function watch(
  stack: LocalStack,
  args: readonly string[],
  where: "pipe" | "terminal",
): Promise<Watching> {
  const rest = [...args, "--config-file", stack.stackFile];
  // Made for nobody, a terminal has no columns.
  const atTerminal = `stty cols 120 rows 40; exec ${[command, ...rest].map((word) => `'${word}'`).join(" ")}`;
  const [name, words] =
    where === "pipe"
      ? [command, rest]
      : ["script", ["--quiet", "--return", "--command", atTerminal, "/dev/null"]];
  // Nobody sits at a terminal of CI, and nothing is drawn there.
  const env = { ...process.env, ...localEnvironment(await tools()), TERM: "xterm", CI: undefined };
  const child = spawn(name, words, { cwd: checkoutDir, env });
  const closed = once(child, "close");
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  return {
    said: () => said,
    interrupt: async () => {
      if (where === "pipe") child.kill("SIGINT");
      else child.stdin.write("\u0003");
      await closed;
      return child.exitCode;
    },
  };
}

const rollbackSchema = z.strictObject({
  target: z.string(),
  from: z.string(),
  to: z.string(),
  routeWrittenAt: z.number().nullable(),
  recorded: z.boolean(),
  healthy: z.literal(true),
  budgetMinutes: z.literal(15),
  tookMs: z.number(),
  steps: z.array(z.object({ step: z.string(), atMs: z.number() })),
  problems: z.array(z.string()),
});

/** What `cutover rollback --json` says, which is all of its stdout. */
export function rollbackSaid({ stdout }: CutoverResult): z.infer<typeof rollbackSchema> {
  return rollbackSchema.parse(JSON.parse(stdout));
}
