import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** Given to the command on stdin. @default nothing */
  readonly input?: string;
  /** Ends the command and all that it started. */
  readonly signal?: AbortSignal;
  /** Called with each line that the command writes to stderr. */
  readonly onLine?: (line: string) => void;
}

/** What to do for each running command when this process ends: one listener for all, however many run at once. */
const atExit = new Set<() => void>();
process.on("exit", () => {
  for (const act of atExit) act();
});

/** How long a command may take to end by itself after it was told to, in ms. */
const patience = 5_000;
/** How many of the last lines of a failed command are shown. */
const shownLines = 30;

/**
 * Runs a command without a terminal and resolves to what it wrote to stdout.
 * Rejects with its last lines when it fails, with the signal's reason when it
 * was aborted.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  options.signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    // A process group of its own, so that its children end with it and Ctrl-C reaches it through `signal` only.
    detached: true,
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It ended in between.
    }
  };
  // A command that ends without having read it says by its exit code whether that matters.
  child.stdin.on("error", () => {}).end(options.input);
  const onExit = (): void => kill("SIGKILL");
  const onAbort = (): void => {
    kill("SIGTERM");
    setTimeout(onExit, patience).unref();
  };
  atExit.add(onExit);
  options.signal?.addEventListener("abort", onAbort, { once: true });

  let output = "";
  const lastLines: string[] = [];
  const remember = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > shownLines) lastLines.shift();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  readline.createInterface({ input: child.stderr }).on("line", (line) => {
    remember(line);
    options.onLine?.(line);
  });
  try {
    await once(child, "close");
  } catch (error) {
    throw new Error(`${command} can't be run: ${String(error)}`);
  } finally {
    atExit.delete(onExit);
    options.signal?.removeEventListener("abort", onAbort);
  }
  options.signal?.throwIfAborted();
  if (child.exitCode !== 0) {
    const how =
      child.exitCode === null ? `was ended by ${child.signalCode}` : `failed (exit code ${child.exitCode})`;
    throw new Error(
      [`${[command, ...args].join(" ")} ${how}`, ...output.split("\n").slice(-5), ...lastLines].join("\n"),
    );
  }
  return output;
}
