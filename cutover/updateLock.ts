import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { type OwnerState, ownerState } from "../cluster/owner";
import { hasCode } from "../cluster/thrown";

/** The update that a stack is locked by. */
export interface UpdateLock {
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  readonly since: Date;
  /** "dead": the update was killed, and the lock stays until somebody breaks it. */
  readonly owner: OwnerState;
}

export interface LockedStack {
  /** As `configuredBackend` gives it. */
  readonly backendUrl: string | undefined;
  readonly project: string;
  readonly stack: string;
}

/**
 * Who has locked the stack; undefined when nobody has. "unreadable" for what isn't a folder (`s3://`, `https://`): it
 * can't be read without the backend's own client, so only an update that is refused tells that the stack is locked.
 */
export function readUpdateLock({
  backendUrl,
  project,
  stack,
}: LockedStack): UpdateLock | undefined | "unreadable" {
  if (backendUrl?.startsWith(fileScheme) !== true) return "unreadable";
  const folder = path.join(
    fileURLToPath(backendUrl),
    ".pulumi",
    "locks",
    "organization",
    project,
    path.basename(stack),
  );
  const locks = lockFiles(folder)
    .map(readLockFile)
    .filter((lock) => lock !== undefined);
  // Two updates that start at once both write one, and one of them takes its own away again.
  return (
    locks.find((lock) => lock !== "unreadable" && lock.owner !== "dead") ??
    locks.find((lock) => lock === "unreadable") ??
    locks[0]
  );
}

const fileScheme = "file://";
const projectSchema = z.object({
  name: z.string(),
  backend: z.object({ url: z.string().optional() }).optional(),
});

/**
 * The URL of the backend that `pulumi` uses in a project: PULUMI_BACKEND_URL, else `backend.url` of the project file.
 * A folder's path is made absolute. Undefined when only a `pulumi login` says.
 */
export function configuredBackend(projectDir: string): string | undefined {
  const url = process.env["PULUMI_BACKEND_URL"] || readProject(projectDir).backend?.url;
  if (url?.startsWith(fileScheme) !== true) return url;
  const [folder = ""] = url.slice(fileScheme.length).split("?");
  return fileScheme + path.resolve(projectDir, folder.replace(/^~/, os.homedir()));
}

/** As Pulumi.yaml says. */
export function projectName(projectDir: string): string {
  return readProject(projectDir).name;
}

function readProject(projectDir: string): z.infer<typeof projectSchema> {
  return projectSchema.parse(parse(fs.readFileSync(path.join(projectDir, "Pulumi.yaml"), "utf8")));
}

function lockFiles(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => path.join(folder, name));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** As Pulumi's backends for folders and buckets write it. */
const lockSchema = z.object({
  pid: z.int(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.coerce.date(),
});

/** @returns undefined when it was taken away meanwhile, "unreadable" when Pulumi has another form of it by now */
function readLockFile(file: string): UpdateLock | undefined | "unreadable" {
  try {
    const { pid, username, hostname, timestamp } = lockSchema.parse(
      JSON.parse(fs.readFileSync(file, "utf8")),
    );
    const owner = ownerState({ pid, host: hostname, since: timestamp });
    return { pid, user: username, host: hostname, since: timestamp, owner };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    if (error instanceof SyntaxError || error instanceof z.ZodError) return "unreadable";
    throw error;
  }
}
