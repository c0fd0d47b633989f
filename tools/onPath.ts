import fs from "node:fs";
import path from "node:path";
import { run } from "./child";
import { findVersion, isInRange } from "./versions";
import type { OnPath } from "./pins";

/** Marks the folder of links that a checkout makes: what it links to is this project's own, not the user's. */
export const linkFolderMarker = ".pyairtable-tools";

export interface FoundOnPath {
  readonly directory: string;
  readonly version: string;
}

/** The first folder on PATH that has all the binaries in a version that fits. */
export async function findOnPath(
  binaries: readonly [string, ...string[]],
  wanted: OnPath,
): Promise<FoundOnPath | undefined> {
  for (const directory of searchedFolders()) {
    if (!binaries.every((binary) => isExecutable(path.join(directory, binary)))) continue;
    const main = path.join(directory, binaries[0]);
    if (wanted.mustBeStatic === true && !isStatic(main)) continue;
    const version = await versionOf(main, wanted.versionArgs);
    if (version !== undefined && isInRange(version, wanted.range)) return { directory, version };
  }
  return undefined;
}

/** The absolute path of a command on PATH, or undefined. */
export function which(binary: string): string | undefined {
  return searchedFolders()
    .map((directory) => path.join(directory, binary))
    .find(isExecutable);
}

function searchedFolders(): string[] {
  // A plain user's PATH, kept by `su`, lacks the folders of what only root may run.
  const folders = [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
  ];
  return [...new Set(folders)].filter(
    (folder) => path.isAbsolute(folder) && !fs.existsSync(path.join(folder, linkFolderMarker)),
  );
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

async function versionOf(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const output = await run(file, args, {
      // Pulumi's would ask the internet for a newer one.
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
      signal: AbortSignal.timeout(10_000),
    });
    return findVersion(output);
  } catch {
    return undefined;
  }
}

/** Whether an ELF binary names no loader of shared libraries. */
function isStatic(file: string): boolean {
  const binary = readStart(file, 64 * 1024);
  const isElf64 = binary.readUInt32BE(0) === 0x7f454c46 && binary[4] === 2;
  if (!isElf64) return false;
  const offset = Number(binary.readBigUInt64LE(0x20));
  const size = binary.readUInt16LE(0x36);
  const count = binary.readUInt16LE(0x38);
  const interpreter = 3;
  for (let index = 0; index < count; index++) {
    if (binary.readUInt32LE(offset + index * size) === interpreter) return false;
  }
  return true;
}

function readStart(file: string, length: number): Buffer {
  const start = Buffer.alloc(length);
  const descriptor = fs.openSync(file, "r");
  try {
    fs.readSync(descriptor, start, 0, length, 0);
  } finally {
    fs.closeSync(descriptor);
  }
  return start;
}
