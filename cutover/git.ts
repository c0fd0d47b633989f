import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../tools/child";
import { reason } from "../cluster/thrown";

/** What git, or the repository, would not do. The message says what to do about it. */
export class GitError extends Error {
  override readonly name = "GitError";
}

export interface GitOptions {
  /** Added to the environment; what would lead git to another repository is taken out of it in any case. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** Given to git on stdin. @default nothing */
  readonly input?: string;
  /** Ends git, and what it started. */
  readonly signal?: AbortSignal;
}

/** How long to wait for another git to let go of a lock, in ms. */
const lockPatience = 5_000;
const lockPause = 100;
/** How many of git's, or a hook's, last lines an error shows. */
const shownLines = 10;

const isolated: NodeJS.ProcessEnv = {
  // Set by git for its hooks and aliases, from which this may have been started.
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_COMMON_DIR: undefined,
  GIT_OBJECT_DIRECTORY: undefined,
  GIT_PREFIX: undefined,
  // Nobody could answer.
  GIT_TERMINAL_PROMPT: "0",
};

/**
 * Runs git in `folder` and resolves to what it wrote to stdout. Waits a few seconds for a lock that another git
 * holds.
 * @throws GitError with the last lines of git, or of the hook that it ran
 */
export async function git(
  folder: string,
  args: readonly string[],
  { env, input, signal }: GitOptions = {},
): Promise<string> {
  const deadline = Date.now() + lockPatience;
  for (;;) {
    const lines: string[] = [];
    try {
      return await run("git", ["-C", folder, ...args], {
        env: { ...isolated, ...env },
        ...(input !== undefined && { input }),
        ...(signal !== undefined && { signal }),
        onLine: (line) => lines.push(line),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const lock = lockInTheWay(folder, lines);
      if (lock === undefined || (Date.now() >= deadline && !fs.existsSync(lock))) {
        const said = lines.slice(-shownLines).join("\n").trim() || reason(error);
        throw new GitError(`git ${args[0]} failed:\n${said}`, { cause: error });
      }
      if (Date.now() >= deadline) {
        throw new GitError(
          `another git is at work in ${folder}: it has held ${lock} for ${lockPatience / 1000} s. ` +
            "Try again when it has ended; if no git runs there, delete that file.",
        );
      }
    }
    await sleep(lockPause);
  }
}

/** Git names the lock that it couldn't get in quotes, in every language. */
function lockInTheWay(folder: string, lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const lock = /'([^']*\b(?:index|HEAD|packed-refs|refs\/[^']+)\.lock)'/.exec(line)?.[1];
    if (lock !== undefined) return path.resolve(folder, lock);
  }
  return undefined;
}
