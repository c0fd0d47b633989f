import { setTimeout as sleep } from "node:timers/promises";
import { isInteractive } from "../terminal/output";
import { lockOf, lockText } from "./carryOut";
import { type ExitCode, exitCodes } from "./exitCodes";
import type { Project } from "./project";
import { Report } from "./report";
import { reportOf } from "./situation";
import { renderStatus } from "./statusTable";
import { survey } from "./survey";

export interface StatusOptions {
  readonly project: Project;
  readonly json: boolean;
  /** Goes on until it is interrupted. */
  readonly watch: boolean;
  readonly signal: AbortSignal;
}

const secondsBetween = 2;

/** Where every target stands. */
export async function status({ project, json, watch, signal }: StatusOptions): Promise<ExitCode> {
  if (!watch) {
    const { words, report } = await look(project);
    new Report({ json }).result(words, report);
    return exitCodes.done;
  }
  const show = await display(json);
  while (!signal.aborted) {
    const { words, report } = await look(project);
    // Each look is a line of its own for a program that reads along.
    show(json ? JSON.stringify(report) : words);
    await sleep(secondsBetween * 1000, undefined, { signal });
  }
  return exitCodes.done;
}

async function look(project: Project): Promise<{ readonly words: string; readonly report: object }> {
  const { situation, head } = await survey(project);
  const found = lockOf(project);
  const lock = found === undefined || found === "unreadable" ? undefined : found;
  const text = lock && `an update has the lock: ${lockText(lock)}`;
  return {
    words: [
      ...head,
      "",
      renderStatus(situation, process.stdout, text === undefined ? {} : { lock: text }),
    ].join("\n"),
    report: { head, ...reportOf(situation), lock: lock ?? null },
  };
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
