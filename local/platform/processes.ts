import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { logDir } from "../paths";

/**
 * Every process of the platform carries its part's name in this environment
 * variable: what is running is read from /proc, never from files that a crash
 * leaves behind, and any checkout recognises what another one started.
 */
const partVariable = "PYAIRTABLE_LOCAL";
/** Fingerprint of how a part was started; a part that would be started differently now is restarted. */
const fingerprintVariable = "PYAIRTABLE_LOCAL_FINGERPRINT";

/** One process of the platform. */
export interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** Files whose content decides how it runs. */
  readonly configFiles?: readonly string[];
  /** Throws until the part serves. */
  readonly ready: () => Promise<void>;
}

export interface RunningPart {
  readonly pid: number;
  readonly name: string;
  readonly fingerprint: string;
}

const readyWithinSeconds = 60;

/** How a part came to be running: left alone, started, or restarted because it was stale or did not answer. */
export type Outcome = "already running" | "started" | "restarted";

export function runningParts(): RunningPart[] {
  const parts: RunningPart[] = [];
  for (const entry of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = readEnvironment(entry);
    const name = environment.get(partVariable);
    if (name === undefined || isZombie(entry)) continue;
    parts.push({ pid: Number(entry), name, fingerprint: environment.get(fingerprintVariable) ?? "" });
  }
  return parts;
}

/** Leaves a healthy part alone, starts a missing one, and replaces one that is stale or doesn't answer. */
export async function ensurePart(part: Part): Promise<Outcome> {
  const running = runningParts().filter(({ name }) => name === part.name);
  const wanted = fingerprint(part);
  if (running.some((process) => process.fingerprint === wanted)) {
    if (await becomesReady(part, 5)) return "already running";
  }
  if (running.length > 0) await stopParts([part.name]);
  start(part, wanted);
  if (!(await becomesReady(part, readyWithinSeconds))) {
    const what = isRunning(part)
      ? `did not become ready within ${readyWithinSeconds} s`
      : "ended as soon as it was started";
    throw new Error(`${part.name} ${what}. Its last words (${logFile(part.name)}):\n${lastWords(part.name)}`);
  }
  return running.length > 0 ? "restarted" : "started";
}

/** Asks the named parts to end, and makes them end after the grace period. */
export async function stopParts(names: readonly string[], graceSeconds = 5): Promise<void> {
  const remaining = (): RunningPart[] => runningParts().filter(({ name }) => names.includes(name));
  signal(remaining(), "SIGTERM");
  // A stopped process receives SIGTERM only when it continues.
  signal(remaining(), "SIGCONT");
  const deadline = Date.now() + graceSeconds * 1000;
  while (remaining().length > 0 && Date.now() < deadline) await sleep(50);
  signal(remaining(), "SIGKILL");
  while (remaining().length > 0) await sleep(20);
}

export const logFile = (name: string): string => path.join(logDir, `${name}.log`);

function start(part: Part, partFingerprint: string): void {
  fs.mkdirSync(logDir, { recursive: true });
  const log = fs.openSync(logFile(part.name), "a");
  const [binary, ...args] = part.command;
  const child = spawn(binary, args, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      ...part.environment,
      [partVariable]: part.name,
      [fingerprintVariable]: partFingerprint,
    },
  });
  child.on("error", (error) => fs.appendFileSync(logFile(part.name), `${error.message}\n`));
  child.unref();
  fs.closeSync(log);
}

async function becomesReady(part: Part, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      await part.ready();
      return true;
    } catch {
      await sleep(100);
      if (Date.now() > deadline || !isRunning(part)) return false;
    }
  }
}

function isRunning(part: Part): boolean {
  return runningParts().some(({ name }) => name === part.name);
}

function fingerprint(part: Part): string {
  const hash = createHash("sha256").update(JSON.stringify([part.command, part.environment ?? {}]));
  for (const file of part.configFiles ?? []) hash.update(fs.readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function lastWords(name: string): string {
  const lines = fs.existsSync(logFile(name))
    ? fs.readFileSync(logFile(name), "utf8").trimEnd().split("\n")
    : [];
  return lines.slice(-12).join("\n");
}

function readEnvironment(pid: string): Map<string, string> {
  try {
    const pairs = fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return new Map(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  } catch {
    return new Map(); // It has ended since the folder was listed.
  }
}

function isZombie(pid: string): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return true;
  }
}

function signal(parts: readonly RunningPart[], name: NodeJS.Signals): void {
  for (const { pid } of parts) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself.
    }
  }
}
