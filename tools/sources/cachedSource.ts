import { cacheEntry, fillCache, isCached } from "../cache";
import { findOnPath } from "../onPath";
import { inFolder } from "./source";
import type { Binaries, OnPath } from "../pins";
import type { Obtaining, Source } from "./source";

/** A tool that is used from PATH, or else from the cache once `make` has put it there. */
export interface CachedTool {
  readonly title: string;
  readonly name: string;
  /** All that decides what is in the files. */
  readonly key: string;
  readonly version: string;
  readonly binaries: Binaries;
  readonly onPath?: OnPath | undefined;
  /** What `make` does to it: "built", "downloaded". */
  readonly verb: string;
  /** Puts the files into `dir`; `scratch` is for what isn't kept. */
  make(dir: string, scratch: string, work: Obtaining): Promise<void>;
}

/** Where such a tool is to be had. */
export function cachedSource(tool: CachedTool): Source {
  const entry = cacheEntry(tool.name, tool.key, tool.binaries);
  const found = (how: string): { origin: string; files: Record<string, string> } => ({
    origin: `${how} ${tool.version}`,
    files: inFolder(entry.dir, tool.binaries),
  });
  return {
    title: tool.title,
    async find() {
      const own = tool.onPath && (await findOnPath(tool.binaries, tool.onPath));
      if (own) return { origin: `PATH ${own.version}`, files: inFolder(own.directory, tool.binaries) };
      return isCached(entry) ? found("cache") : undefined;
    },
    async obtain(work) {
      await fillCache(
        entry,
        () => work.report("waiting for another run that is at it"),
        work.signal,
        (dir, scratch) => tool.make(dir, scratch, work),
      );
      return found(tool.verb);
    },
  };
}
