import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog/types";
import { type Split, formatSplit, parseSplit } from "../migration/split";
import { writeAtomically } from "./atomicWrite";
import { type OwnerState, ownerState } from "../cluster/owner";
import { hasCode, reason } from "../cluster/thrown";

/** What a command is about to do with one target. */
export interface TargetPlan {
  readonly command: "advance" | "rollback" | "reconcile";
  readonly target: RoutedTargetName;
  /** Where the traffic shall be. */
  readonly split: Split;
  /** Whether legacy shall be retired. */
  readonly retire?: boolean;
  /** `formatSplit` of where the traffic was, for people. */
  readonly from: string;
  /** Why, for the commit. */
  readonly because?: string;
}

/** The whole stack goes back: to a good state (level 2), or to legacy (level 3). */
export type LevelPlan =
  | { readonly command: "rollback"; readonly level: 2; readonly to: string }
  | { readonly command: "rollback"; readonly level: 3 };

/** What a command is about to do. */
export type Plan = TargetPlan | LevelPlan;

interface Noted {
  readonly stack: string;
  readonly since: Date;
  readonly owner: { readonly pid: number; readonly host: string; readonly user: string };
  readonly state: OwnerState;
  /** Where it is noted. */
  readonly file: string;
}

/** An intent whose command has not said that it came to its end. */
export type UnfinishedIntent = Plan & Noted;

export function isOfLevel<P extends Plan>(plan: P): plan is Extract<P, { readonly level: 2 | 3 }> {
  return "level" in plan;
}

/** Made when it is asked for: no rollback waits for it. */
function notedSchema() {
  const base = {
    stack: z.string(),
    since: z.iso.datetime().transform((text) => new Date(text)),
    owner: z.object({ pid: z.int().positive(), host: z.string(), user: z.string() }),
  };
  return z.union([
    z.object({ command: z.literal("rollback"), level: z.literal(2), to: z.string(), ...base }),
    z.object({ command: z.literal("rollback"), level: z.literal(3), ...base }),
    z.object({
      command: z.enum(["advance", "rollback", "reconcile"]),
      target: z.enum(routedTargets),
      split: z.string().transform((text, context) => {
        const split = parseSplit(text);
        if (split !== undefined) return split;
        context.addIssue({ code: "custom", message: `${JSON.stringify(text)} is no split` });
        return z.NEVER;
      }),
      retire: z.literal(true).optional(),
      from: z.string(),
      because: z.string().optional(),
      ...base,
    }),
  ]);
}

const suffix = ".json";

/**
 * What commands are about to do with a stack, noted in git's folder before they do it, so that `cutover resume` can
 * finish what a killed command left. One file per process and target, or level, so that no command waits for another or
 * overwrites its note. Runs no git: a rollback writes it before it moves traffic.
 */
export class Journal {
  private readonly begun = new Set<string>();

  private constructor(
    private readonly folder: string,
    private readonly stack: string,
  ) {}

  /** @returns undefined if the stack file is in no git repository */
  static for(stackFile: string, stack: string): Journal | undefined {
    const gitDir = findGitDir(path.dirname(realPath(stackFile)));
    if (gitDir === undefined) return undefined;
    return new Journal(path.join(gitDir, "pyairtable-cutover", encodeURIComponent(stack)), stack);
  }

  /**
   * Notes what this process is about to do, in place of what dead owners wanted of the same target, or of any if the
   * whole stack goes back. A process may note one intent per target. Never throws, so that it stands in nobody's way.
   * @returns why it couldn't be noted, to be told; undefined when it was
   */
  begin(plan: Plan, now: Date): string | undefined {
    const owner = { pid: process.pid, host: os.hostname(), user: userName() };
    const name = isOfLevel(plan) ? `level-${plan.level}` : plan.target;
    const file = path.join(this.folder, `${name}.${encodeURIComponent(owner.host)}.${owner.pid}${suffix}`);
    const note = { ...written(plan), stack: this.stack, since: now.toISOString(), owner };
    const text = JSON.stringify(note, undefined, 2);
    try {
      fs.mkdirSync(this.folder, { recursive: true });
      writeAtomically(file, `${text}\n`);
      this.begun.add(file);
      for (const other of this.files()) {
        if (this.begun.has(other)) continue;
        const intent = read(other);
        if (typeof intent === "object" && intent.state === "dead" && replaces(plan, intent)) remove(other);
      }
      return undefined;
    } catch (error) {
      return `what is about to be done can't be noted in ${this.folder}: ${reason(error)}`;
    }
  }

  /** What this process began is done. */
  end(): void {
    for (const file of this.begun) {
      try {
        remove(file);
      } catch {
        // It stays, and reads as a dead owner's when this process has ended; to finish it again changes nothing.
      }
    }
    this.begun.clear();
  }

  /**
   * What other commands began and haven't ended, oldest first; those with a living owner are at work.
   * @throws Error naming a file that doesn't hold an intent
   */
  unfinished(): readonly UnfinishedIntent[] {
    return this.files()
      .filter((file) => !this.begun.has(file))
      .flatMap((file) => {
        const intent = read(file);
        if (intent === undefined) return [];
        if (typeof intent !== "string") return [intent];
        throw new Error(
          `${file} doesn't hold what a cutover command notes (${intent}): look at it and delete it`,
        );
      })
      .sort((a, b) => a.since.getTime() - b.since.getTime());
  }

  /** Takes away an intent that nothing shall come of any more. */
  discard({ file }: UnfinishedIntent): void {
    remove(file);
  }

  private files(): string[] {
    try {
      const names = fs.readdirSync(this.folder);
      return names.filter((name) => name.endsWith(suffix)).map((name) => path.join(this.folder, name));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
  }
}

function written(plan: Plan): object {
  if (isOfLevel(plan)) return plan;
  const { retire, split, ...rest } = plan;
  return { ...rest, split: formatSplit(split), ...(retire === true && { retire }) };
}

function replaces(plan: Plan, other: Plan): boolean {
  return isOfLevel(plan) || (!isOfLevel(other) && other.target === plan.target);
}

/** @returns what is wrong with the file; undefined if its command has just ended and taken it away */
function read(file: string): UnfinishedIntent | string | undefined {
  let content: unknown;
  try {
    content = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    return hasCode(error, "ENOENT") ? undefined : reason(error);
  }
  const parsed = notedSchema().safeParse(content);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const { owner, since } = parsed.data;
  const found = { state: ownerState({ ...owner, since }), file };
  if ("level" in parsed.data) return { ...parsed.data, ...found };
  const { retire, because, ...intent } = parsed.data;
  return {
    ...intent,
    ...(retire === true && { retire }),
    ...(because !== undefined && { because }),
    ...found,
  };
}

/** As git finds it: `.git` is a folder, or in a linked working tree or a submodule a file that names one. */
function findGitDir(folder: string): string | undefined {
  const found = path.join(folder, ".git");
  const stat = fs.statSync(found, { throwIfNoEntry: false });
  if (stat?.isFile() === true) {
    const named = /^gitdir: (.*)$/m.exec(fs.readFileSync(found, "utf8"))?.[1];
    if (named !== undefined) return path.resolve(folder, named);
  }
  if (stat?.isDirectory() === true && fs.existsSync(path.join(found, "HEAD"))) return found;
  const parent = path.dirname(folder);
  return parent === folder ? undefined : findGitDir(parent);
}

function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // A user id without a name, as in a container.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

function remove(file: string): void {
  fs.rmSync(file, { force: true });
}
