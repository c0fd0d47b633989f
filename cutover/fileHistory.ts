import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { type FileState, type Told, fileStateOf } from "./fileState";
import { GitError, git } from "./git";
import { reason } from "../cluster/thrown";

/** A commit that changed the stack file. */
export interface FileCommit {
  readonly id: string;
  /** When it was committed. */
  readonly at: Date;
  /** The author's name. */
  readonly by: string;
  /** The first line of its message. */
  readonly summary: string;
  /** The newest tag `good/<stack>/<time>` that was set while the file read so. */
  readonly good?: string;
}

export interface Version {
  readonly commit: FileCommit;
  readonly state: Told<FileState>;
}

export interface FileHistory {
  /** Oldest first. */
  readonly versions: readonly Version[];
  /** The clone ends before its first commit, so that the oldest version is only the oldest that is here. */
  readonly isShallow: boolean;
}

/**
 * All versions of a stack file along HEAD's first parents: a merged pull request is one version, at its merge.
 * @throws GitError if it is in no repository, or in no commit
 */
export async function readFileHistory(stackFile: string, stack: string): Promise<FileHistory> {
  const folder = attempt(stackFile, () => path.dirname(fs.realpathSync(stackFile)));
  const name = path.basename(attempt(stackFile, () => fs.realpathSync(stackFile)));
  const [log, tags, shallow] = await Promise.all([
    git(folder, ["log", ...logOptions, "--", name], { env: { GIT_LITERAL_PATHSPECS: "1" } }),
    readTags(folder, stack),
    git(folder, ["rev-parse", "--is-shallow-repository"]),
  ]);
  const found = parseLog(log);
  if (found.length === 0) {
    throw new GitError(`${stackFile} is not committed yet: git add and git commit it first`);
  }
  const [states, goods] = await Promise.all([
    readStates(folder, found),
    tags.size === 0 ? new Map<string, string>() : goodVersions(folder, found, tags),
  ]);
  return {
    isShallow: shallow.trim() === "true",
    versions: found.map(({ blob, ...commit }) => {
      const good = goods.get(commit.id);
      return {
        commit: { ...commit, ...(good !== undefined && { good }) },
        state: states.get(blob) ?? { unreadable: "the stack file was deleted" },
      };
    }),
  };
}

type Found = Omit<FileCommit, "good"> & { readonly blob: string };

const logOptions = [
  "--first-parent",
  "--reverse",
  "--raw",
  "--no-abbrev",
  // Whatever the user has configured.
  "--diff-merges=first-parent",
  "--no-follow",
  "--no-renames",
  "--no-show-signature",
  "--no-color",
  // No field can hold a NUL.
  "--format=%x00%H%x00%cI%x00%an%x00%s%x00",
];

function parseLog(log: string): Found[] {
  const [, ...fields] = log.split("\0");
  const found: Found[] = [];
  for (let start = 0; start + 4 < fields.length; start += 5) {
    const [id = "", at = "", by = "", summary = "", raw = ""] = fields.slice(start, start + 5);
    const [, , , blob = ""] = raw.trim().split(/\s+/);
    found.push({ id, at: new Date(at), by: printable(by), summary: printable(summary), blob });
  }
  return found;
}

/** A name or message must not steer the reader's terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").trim();
}

/** What each blob says; one process for all, and equal versions are read once. */
async function readStates(
  folder: string,
  found: readonly Found[],
): Promise<ReadonlyMap<string, Told<FileState>>> {
  const blobs = [...new Set(found.map(({ blob }) => blob))].filter((blob) => !/^0+$/.test(blob));
  // Sizes are of bytes, and a file need not be UTF-8: a line that stands in no file parts them.
  const mark = randomUUID();
  const output = await git(folder, ["cat-file", `--batch=${mark} %(objectname)`], {
    input: blobs.map((blob) => `${blob}\n`).join(""),
  });
  return new Map(
    output
      .split(`${mark} `)
      .slice(1)
      .map((record) => {
        const end = record.indexOf("\n");
        return [record.slice(0, end), fileStateOf(record.slice(end + 1))];
      }),
  );
}

/** The stack's good tags, oldest first, by commit: a later one at the same commit counts. */
async function readTags(folder: string, stack: string): Promise<ReadonlyMap<string, string>> {
  const format = "--format=%(refname:strip=2) %(*objectname) %(objectname)";
  const listed = await git(folder, ["for-each-ref", "--sort=refname", format, `refs/tags/good/${stack}/`]);
  return new Map(
    listed
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [tag = "", ...ids] = line.split(" ");
        return [ids.find((id) => id !== "") ?? "", tag];
      }),
  );
}

/** The tag that each version had, at its own commit or at a later one that left the file alone. */
async function goodVersions(
  folder: string,
  found: readonly Found[],
  tags: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const line = (await git(folder, ["rev-list", "--first-parent", "--reverse", "HEAD"])).trim().split("\n");
  const changes = new Set(found.map(({ id }) => id));
  const goods = new Map<string, string>();
  let version: string | undefined;
  for (const id of line) {
    if (changes.has(id)) version = id;
    const tag = tags.get(id);
    if (version !== undefined && tag !== undefined) goods.set(version, tag);
  }
  return goods;
}

function attempt<T>(stackFile: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new GitError(`${stackFile} can't be found: ${reason(error)}`);
  }
}
