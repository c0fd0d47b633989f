import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { RegistryError } from "./registryError";

/** What a registry is shown. Never part of a message, but for the user's name. */
export type Credentials = PasswordCredentials | { readonly kind: "identity token"; readonly token: string };

export interface PasswordCredentials {
  readonly kind: "password";
  readonly username: string;
  readonly password: string;
}

const fileSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string(), identitytoken: z.string() }).partial()).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

const helperSchema = z.object({ Username: z.string(), Secret: z.string() });

/** Where `docker login` keeps what it was told. */
export function dockerConfigFile(): string {
  const folder = process.env["DOCKER_CONFIG"];
  return path.join(
    folder === undefined || folder === "" ? path.join(os.homedir(), ".docker") : folder,
    "config.json",
  );
}

/**
 * As Docker finds them: a helper for this host, the helper for all, or the file itself.
 * @returns undefined if there are none
 * @throws RegistryError when what there is can't be read
 */
export async function credentialsFor(host: string): Promise<Credentials | undefined> {
  const { auths = {}, credsStore, credHelpers = {} } = readFile();
  const helper = credHelpers[host] ?? credsStore;
  if (helper !== undefined && helper !== "") {
    const kept = await askHelper(helper, host);
    if (kept !== undefined) return kept;
  }
  const [, entry] = Object.entries(auths).find(([address]) => hostOf(address) === host) ?? [];
  if (entry?.identitytoken !== undefined && entry.identitytoken !== "") {
    return { kind: "identity token", token: entry.identitytoken };
  }
  const [, username, password] =
    /^([^:]+):(.+)$/s.exec(Buffer.from(entry?.auth ?? "", "base64").toString("utf8")) ?? [];
  if (username === undefined || password === undefined) return undefined;
  return { kind: "password", username, password };
}

function readFile(): z.infer<typeof fileSchema> {
  const file = dockerConfigFile();
  if (!fs.existsSync(file)) return {};
  try {
    return fileSchema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  } catch {
    // The reason would quote the file.
    throw new RegistryError(`${file} can't be read, expected what docker login writes`);
  }
}

/** `docker login` writes some hosts as URLs. */
function hostOf(address: string): string | undefined {
  return address.replace(/^https?:\/\//, "").split("/")[0];
}

/** By the protocol of Docker's credential helpers: the host on stdin, JSON or an error on stdout. */
async function askHelper(helper: string, host: string): Promise<Credentials | undefined> {
  const command = `docker-credential-${helper}`;
  const failed = (why: string): RegistryError =>
    new RegistryError(`${command}, which ${dockerConfigFile()} names for ${host}, ${why}`);
  const child = spawn(command, ["get"], { stdio: ["pipe", "pipe", "ignore"] });
  // One that doesn't read is told by its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(host);
  let answer: string;
  try {
    [answer] = await Promise.all([text(child.stdout), once(child, "close")]);
  } catch {
    throw failed("can't be run: is it on PATH?");
  }
  if (child.exitCode !== 0) {
    if (/credentials not found/i.test(answer)) return undefined;
    throw failed(`failed: ${answer.trim().split("\n", 1).join("")}`);
  }
  const kept = helperSchema.safeParse(jsonOf(answer)).data;
  if (kept === undefined) throw failed("answered with something else than credentials");
  return kept.Username === "<token>"
    ? { kind: "identity token", token: kept.Secret }
    : { kind: "password", username: kept.Username, password: kept.Secret };
}

function jsonOf(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}
