import fs from "node:fs";
import os from "node:os";
import { z } from "zod";
import { hasCode } from "./thrown";

/** A process that left a note or a lock behind. */
export interface Owner {
  readonly pid: number;
  /** As `os.hostname()` gives it. */
  readonly host: string;
  /** When it wrote that. */
  readonly since: Date;
}

/** How long what a command has made may be used, where nobody can look for the command itself. In ms. */
const longestUse = 24 * 3_600_000;

/** What a command notes on what it makes for itself alone, and deletes at its end: who it is. */
export function ownMark(): string {
  return `${os.hostname()} ${process.pid} ${new Date().toISOString()}`;
}

/**
 * Whether what bears this mark was left by a command that was killed. What is another machine's counts as left after
 * a day, and what bears no mark of ours isn't ours.
 */
export function isLeft(mark: string | undefined): boolean {
  const [, host, pid, time] = /^(\S+) (\d+) (\S+)$/.exec(mark ?? "") ?? [];
  if (host === undefined || pid === undefined || time === undefined) return false;
  const since = new Date(time);
  const state = ownerState({ host, pid: Number(pid), since });
  return state === "dead" || (state === "elsewhere" && Date.now() - since.getTime() > longestUse);
}

const madeByAnnotation = "pyairtable.dev/made-by";

/** What an object of the cluster bears that a command makes for itself alone. */
export function ownAnnotations(): Readonly<Record<string, string>> {
  return { [madeByAnnotation]: ownMark() };
}

/** An object's metadata, as far as `namesOfLeft` asks for it. */
export const ownedMetadata = z.object({
  name: z.string(),
  annotations: z.record(z.string(), z.string()).default({}),
});

/** The names of those that were left by commands that were killed. */
export function namesOfLeft(
  objects: readonly { readonly metadata: z.infer<typeof ownedMetadata> }[],
): readonly string[] {
  return objects
    .filter(({ metadata }) => isLeft(metadata.annotations[madeByAnnotation]))
    .map(({ metadata }) => metadata.name);
}

/** "elsewhere": on another machine, where it can't be looked for. */
export type OwnerState = "alive" | "dead" | "elsewhere";

/**
 * How much later than `since` a process may seem to have started and still be the owner, in ms. Clocks are set
 * while processes run, and to call a living owner dead is the worse mistake.
 */
const clockError = 5_000;
/** The kernel's clock ticks per second, as processes see them: the same on all that Node runs on. */
const ticksPerSecond = 100;

/**
 * Whether the owner still runs. Where `/proc` tells when a process started, one that was given the pid later is
 * not taken for the owner.
 */
export function ownerState({ pid, host, since }: Owner): OwnerState {
  if (host !== os.hostname()) return "elsewhere";
  if (!exists(pid)) return "dead";
  const found = lookUp(pid);
  if (found === undefined) return "alive";
  return found.hasEnded || found.started > since.getTime() + clockError ? "dead" : "alive";
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Anything else, for example EPERM: there is one, of another user.
    return !hasCode(error, "ESRCH");
  }
}

/** @returns undefined where there is no `/proc`, or it hides the process */
function lookUp(pid: number): { hasEnded: boolean; started: number } | undefined {
  let stat: string;
  let uptime: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    uptime = fs.readFileSync("/proc/uptime", "utf8");
  } catch {
    return undefined;
  }
  // The second field is the command's name in parentheses, which may hold anything; see proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = ""] = fields;
  const secondsAfterBoot = Number(fields[19]) / ticksPerSecond;
  const age = (Number.parseFloat(uptime) - secondsAfterBoot) * 1000;
  // A zombie waits for its parent to take notice.
  return { hasEnded: state === "Z" || state === "X", started: Date.now() - age };
}
