import readline from "node:readline/promises";
import { UsageError } from "./project";

/**
 * Asks whether to go on. Without a terminal nobody can answer: then `--yes` must be given.
 * @returns whether the answer was yes
 */
export async function confirm(question: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new UsageError("found no terminal to ask at, expected --yes");
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
