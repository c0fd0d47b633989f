import readline from "node:readline/promises";
import { UsageError } from "./project";

/**
 * Asks whether to go on. Without a terminal nobody can answer: then the option must be given.
 * @param given whether it was
 * @param option @default --yes
 * @returns whether the answer was yes
 */
export async function confirm(
  question: string,
  given: boolean,
  signal: AbortSignal,
  option = "--yes",
): Promise<boolean> {
  if (given) return true;
  return /^y(es)?$/i.test(await answerTo(`${question} [y/N] `, option, signal));
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

/** Whether there is a terminal to ask at. */
export function canAsk(): boolean {
  return process.stdin.isTTY;
}

async function answerTo(question: string, instead: string, signal: AbortSignal): Promise<string> {
  if (!canAsk()) throw new UsageError(`found no terminal to ask at, expected ${instead}`);
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question, { signal })).trim();
  } finally {
    terminal.close();
  }
}
