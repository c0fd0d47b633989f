import fs from "node:fs";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { version } from "../../package.json";

const pattern = /^state-(.+)\.json\.gz$/;

/** The local stack's state as a released version has left it, all on legacy. */
export interface KeptState {
  readonly version: string;
  /** As `pulumi stack export` gives it: secrets are encrypted. */
  readonly exported: string;
}

/** @throws Error unless exactly one is kept */
export function readKept(): KeptState {
  const kept = keptFiles();
  const [file] = kept;
  if (file === undefined || kept.length > 1)
    throw new Error(`found ${kept.length} states in ${__dirname}, expected one: npm run keep-state`);
  return {
    version: pattern.exec(file)?.[1] ?? "",
    exported: gunzipSync(fs.readFileSync(path.join(__dirname, file))).toString("utf8"),
  };
}

/** In place of the one that was kept before. @returns the file */
export function keep(exported: string): string {
  for (const file of keptFiles()) fs.rmSync(path.join(__dirname, file));
  const file = path.join(__dirname, `state-${version}.json.gz`);
  fs.writeFileSync(file, gzipSync(exported, { level: 9 }));
  return file;
}

function keptFiles(): string[] {
  return fs.readdirSync(__dirname).filter((name) => pattern.test(name));
}
