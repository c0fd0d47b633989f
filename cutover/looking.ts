import { setTimeout as sleep } from "node:timers/promises";
import { isInteractive } from "../terminal/output";

/** What was seen, for people and for programs. */
export interface Look {
  readonly words: string;
  readonly report: object;
}

const secondsBetween = 2;

/** Looks again and again until it is interrupted. */
export async function goOnLooking(
  look: () => Promise<Look>,
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const show = await display(json);
  while (!signal.aborted) {
    const { words, report } = await look();
    // Each look is a line of its own for a program that reads along.
    show(json ? JSON.stringify(report) : words);
    await sleep(secondsBetween * 1000, undefined, { signal });
  }
}

/** On a terminal the newest look replaces the one before; elsewhere it is written when it differs. */
async function display(json: boolean): Promise<(text: string) => void> {
  if (!json && isInteractive(process.stdout)) return (await import("log-update")).default;
  let last = "";
  return (text) => {
    if (text !== last) process.stdout.write(`${text}\n`);
    last = text;
  };
}
