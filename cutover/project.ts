import fs from "node:fs";
import path from "node:path";
import { type StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";

/** The command line asks for something that can't be understood, or is asked in the wrong place. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Which stack is meant, and where what is wanted of it stands. */
export interface Project {
  readonly stack: string;
  /** Where Pulumi.yaml is. */
  readonly dir: string;
  /** The stack file; absolute. */
  readonly configFile: string;
}

export interface ProjectOptions {
  /** @default PULUMI_STACK */
  readonly stack?: string;
  /** @default Pulumi.<stack>.yaml beside Pulumi.yaml */
  readonly configFile?: string;
}

/** As Pulumi finds it: the nearest Pulumi.yaml from here upwards. @throws UsageError */
export function findProject({ stack = process.env["PULUMI_STACK"], configFile }: ProjectOptions): Project {
  const dir = ancestors(process.cwd()).find((folder) => fs.existsSync(path.join(folder, "Pulumi.yaml")));
  if (dir === undefined) {
    throw new UsageError(
      `found no Pulumi.yaml in ${process.cwd()} or above it: run it in the project's folder`,
    );
  }
  if (stack === undefined || stack === "") {
    throw new UsageError("found no stack, expected --stack NAME or PULUMI_STACK");
  }
  const file = path.resolve(configFile ?? path.join(dir, `Pulumi.${stack}.yaml`));
  if (!fs.existsSync(file)) throw new UsageError(`found no stack file ${file}`);
  return { stack, dir, configFile: file };
}

/** @throws StackFileError, or ConfigError with all that is wrong in it */
export function readWanted({ configFile }: Project): StackConfig {
  return parseStackFile(fs.readFileSync(configFile, "utf8"));
}

function ancestors(folder: string): string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}
