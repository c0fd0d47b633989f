import fs from "node:fs";
import path from "node:path";

/**
 * Writes `text` to `file`, so that a process that is killed leaves the old content or the new, never a part.
 * A file that was there keeps its mode.
 * @param mode of a file that wasn't there
 */
export function writeAtomically(file: string, text: string, mode = 0o666): void {
  // Beside it: a rename is atomic only within a file system.
  const unfinished = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  try {
    fs.writeFileSync(unfinished, text, { mode });
    const before = fs.statSync(file, { throwIfNoEntry: false });
    if (before !== undefined) fs.chmodSync(unfinished, before.mode);
    fs.renameSync(unfinished, file);
  } catch (error) {
    fs.rmSync(unfinished, { force: true });
    throw error;
  }
}
