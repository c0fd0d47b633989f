import { lockOf, lockText } from "./carryOut";
import { type ExitCode, exitCodes } from "./exitCodes";
import type { Project } from "./project";
import { type Look, goOnLooking } from "./looking";
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

/** Where every target stands. */
export async function status({ project, json, watch, signal }: StatusOptions): Promise<ExitCode> {
  if (!watch) {
    const { words, report } = await look(project);
    new Report({ json }).result(words, report);
    return exitCodes.done;
  }
  await goOnLooking(() => look(project), { json, signal });
  return exitCodes.done;
}

async function look(project: Project): Promise<Look> {
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
