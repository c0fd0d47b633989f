import fs from "node:fs";
import path from "node:path";
import { cacheDir } from "./cacheDir.js";
import { acquireLock } from "./lock.js";

/** A folder of finished files, kept by tool and by all that decides what is in it. */
export interface CacheEntry {
  readonly tool: string;
  readonly key: string;
  /** The names of what is in it. */
  readonly files: readonly string[];
}

/** Where the entry is, or will be. */
export function entryDir({ tool, key }: Pick<CacheEntry, "tool" | "key">): string {
  return path.join(cacheDir, "tools", tool, key);
}

/** Entries appear whole or not at all: what is there can be used, unless somebody has taken files away. */
export function isCached(entry: CacheEntry): boolean {
  return entry.files.every((file) => fs.existsSync(path.join(entryDir(entry), file)));
}

/**
 * Makes an entry that isn't there: `make` fills `dir`; `scratch` is for what
 * isn't kept. One process at a time; the others wait and find the result.
 * Whatever was left by a run that was killed is taken away.
 */
export async function fillCache(
  entry: CacheEntry,
  onWait: () => void,
  make: (dir: string, scratch: string) => Promise<void>,
): Promise<void> {
  const toolDir = path.dirname(entryDir(entry));
  const release = await acquireLock(path.join(toolDir, ".lock"), onWait);
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
      remove(entryDir(entry));
      fs.renameSync(dir, entryDir(entry));
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
