import readline from "node:readline/promises";
import { UsageError } from "./project";

/**
 * Asks whether to go on. Without a terminal nobody can answer: then `--yes` must be given.
 * @returns whether the answer was yes
 */
export async function confirm(question: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  if (yes) return true;
  return /^y(es)?$/i.test(await answerTo(`${question} [y/N] `, "--yes", signal));
}

/**
 * Has a word typed, for what a hasty `y` must not begin.
 * @param given what the command line says in place of it
 * @returns whether it was the word
 */
export async function confirmByTyping(
  question: string,
  word: string,
  given: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  return (given ?? (await answerTo(`${question} `, `--confirm ${word}`, signal))) === word;
}

async function answerTo(question: string, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError(`found no terminal to ask at, expected ${instead}`);
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question, { signal })).trim();
  } finally {
    terminal.close();
  }
}
