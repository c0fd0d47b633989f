import fs from "node:fs";
import path from "node:path";
import { linkFolderMarker } from "./onPath";

/** One folder for a user's PATH: a link to every binary that this checkout uses. */
export const binDir = path.join(__dirname, "..", "out", "bin");

/** Makes each name in `binDir` lead to its file, and takes away links that lead nowhere. */
export function linkBinaries(files: Iterable<readonly [name: string, file: string]>): void {
  fs.mkdirSync(binDir, { recursive: true });
  fs.writeFileSync(path.join(binDir, linkFolderMarker), "");
  for (const name of fs.readdirSync(binDir)) {
    if (!fs.existsSync(path.join(binDir, name))) fs.rmSync(path.join(binDir, name), { force: true });
  }
  for (const [name, file] of files) {
    const link = path.join(binDir, name);
    // Some live here themselves.
    if (file !== link) replaceLink(link, file);
  }
}

/** Writes a command of this checkout's own into `binDir`; returns its path. */
export function writeCommand(name: string, script: string): string {
  const file = path.join(binDir, name);
  const isWritten =
    fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true &&
    fs.readFileSync(file, "utf8") === script;
  if (!isWritten) {
    fs.mkdirSync(binDir, { recursive: true });
    const next = `${file}.${process.pid}`;
    fs.writeFileSync(next, script, { mode: 0o755 });
    fs.renameSync(next, file);
  }
  return file;
}

/** Puts the file itself into `binDir`, for a binary that looks for others beside it; returns its path there. */
export function placeBinary(name: string, file: string): string {
  const place = path.join(binDir, name);
  const wanted = fs.statSync(file);
  const present = fs.lstatSync(place, { throwIfNoEntry: false });
  if (present?.isFile() === true && present.size === wanted.size && present.mtimeMs === wanted.mtimeMs)
    return place;
  fs.mkdirSync(binDir, { recursive: true });
  const next = `${place}.${process.pid}`;
  fs.rmSync(next, { force: true });
  try {
    fs.linkSync(file, next);
  } catch {
    // The checkout is on another disk.
    fs.copyFileSync(file, next);
    fs.utimesSync(next, wanted.atime, wanted.mtime);
  }
  fs.renameSync(next, place);
  return place;
}

/** Makes `link` lead to `target` in one step, for those that use it at this moment. */
export function replaceLink(link: string, target: string): void {
  const isLink = fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isLink && fs.readlinkSync(link) === target) return;
  const next = `${link}.${process.pid}`;
  fs.rmSync(next, { force: true });
  fs.symlinkSync(target, next);
  fs.renameSync(next, link);
}
