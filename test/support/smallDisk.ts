import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Context } from "mocha";
import { hasCode } from "../../cluster/thrown";

/** A file system of a test's own that is soon full. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives back what was taken. */
  empty(): void;
  unmount(): void;
}

/** Mounts one; a suite that may not mount is skipped, and says so. */
export function mountSmallDiskOrSkip(context: Context, megabytes: number): SmallDisk {
  if (process.getuid?.() !== 0) {
    console.log("    skipped: only root mounts a disk");
    return context.skip();
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "small-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "small-disk", folder]);
  const filler = path.join(folder, "filler");
  let isMounted = true;
  const unmount = (): void => {
    if (!isMounted) return;
    isMounted = false;
    process.off("exit", unmount);
    // Lazily: it goes with the last process that is in it, and waits for none.
    execFileSync("umount", ["--lazy", folder]);
    fs.rmdirSync(folder);
  };
  // However the test ends.
  process.on("exit", unmount);
  return {
    folder,
    fill() {
      const file = fs.openSync(filler, "a");
      try {
        for (const size of [1 << 20, 1 << 12]) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        fs.closeSync(file);
      }
    },
    empty: () => fs.rmSync(filler, { force: true }),
    unmount,
  };
}

function writeUntilFull(file: number, piece: Buffer): void {
  for (;;) {
    try {
      if (fs.writeSync(file, piece) < piece.length) return;
    } catch (error) {
      if (hasCode(error, "ENOSPC")) return;
      throw error;
    }
  }
}
