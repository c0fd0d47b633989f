import fs from "node:fs";
import path from "node:path";
import { cacheDir } from "./cacheDir.js";
import { acquireLock } from "./lock.js";

/** A folder of finished files. Entries beside it are of the same tool in other versions. */
export interface CacheEntry {
  readonly dir: string;
  /** The names of what is in it. */
  readonly files: readonly string[];
}

/** Where a tool's files are, or will be; `key` says all that decides what is in them. */
export function cacheEntry(tool: string, key: string, files: readonly string[]): CacheEntry {
  return { dir: path.join(cacheDir, "tools", tool, key), files };
}

/** Entries appear whole or not at all: what is there can be used, unless somebody has taken files away. */
export function isCached({ dir, files }: CacheEntry): boolean {
  return files.every((file) => fs.existsSync(path.join(dir, file)));
}

/**
 * Makes an entry that isn't there: `make` fills `dir`; `scratch` is for what
 * isn't kept. One process at a time; the others wait and find the result.
 * Whatever was left by a run that was killed is taken away.
 */
export async function fillCache(
  entry: CacheEntry,
  onWait: () => void,
  signal: AbortSignal,
  make: (dir: string, scratch: string) => Promise<void>,
): Promise<void> {
  const toolDir = path.dirname(entry.dir);
  const release = await acquireLock(path.join(toolDir, ".lock"), onWait, signal);
  try {
    if (isCached(entry)) return;
    removeUnfinished(toolDir);
    const unfinished = fs.mkdtempSync(path.join(toolDir, unfinishedPrefix));
    const dir = path.join(unfinished, "entry");
    const scratch = path.join(unfinished, "scratch");
    fs.mkdirSync(dir);
    fs.mkdirSync(scratch);
    try {
      await make(dir, scratch);
      remove(entry.dir);
      fs.renameSync(dir, entry.dir);
    } finally {
      remove(unfinished);
    }
  } finally {
    release();
  }
}

const unfinishedPrefix = ".unfinished-";

function removeUnfinished(toolDir: string): void {
  for (const name of fs.readdirSync(toolDir)) {
    if (name.startsWith(unfinishedPrefix)) remove(path.join(toolDir, name));
  }
}

/** A process that is just ending may still write there: try a few times. */
function remove(dir: string): void {
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
