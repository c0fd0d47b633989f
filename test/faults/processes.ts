import fs from "node:fs";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import type { Color } from "../../migration";

interface Process {
  readonly pid: number;
  readonly command: readonly string[];
}

/** The `pulumi` that updates the stack of this file. */
export function findCli(stackFile: string): number | undefined {
  return processes().find(
    ({ command: [name = "", ...args] }) =>
      /(^|\/)pulumi$/.test(name) && args[0] === "up" && args.includes(stackFile),
  )?.pid;
}

/** The `cutover` that was started for the stack of this file. */
export function findCutover(stackFile: string): number | undefined {
  return processes().find(
    ({ command }) => (command[1] ?? "").endsWith("cutover/bin/cutover") && command.includes(stackFile),
  )?.pid;
}

/** The `cutover rollback` that a guard has started for the stack of this file. */
export function findRecording(stackFile: string): number | undefined {
  return processes().find(
    ({ command }) =>
      (command[1] ?? "").endsWith("cutover/bin/cutover") &&
      command[2] === "rollback" &&
      command.includes(stackFile),
  )?.pid;
}

/** The program that this `pulumi` runs, once it is started. */
export function findProgram(cli: number): number | undefined {
  return processes().find(
    ({ pid, command }) =>
      command.some((word) => word.includes("@pulumi/pulumi/cmd/run")) && descendsFrom(pid, cli),
  )?.pid;
}

/** PostgreSQL itself, in this pod. */
export function findPostmaster(pod: string): number | undefined {
  return processes().find(
    ({ pid, command: [name = "", first] }) =>
      name.endsWith("/bin/postgres") && first === "-D" && environmentOf(pid).includes(`HOSTNAME=${pod}`),
  )?.pid;
}

/** A step's own process, which works on the primary by its name and on a shadow by its address. */
export function findStep(action: "up" | "down", where: "primary" | "shadow"): number | undefined {
  return processes().find(({ pid, command: [name, first] }) => {
    if (name !== "/migrations" || first !== action) return false;
    const host = environmentOf(pid).find((pair) => pair.startsWith("PGHOST="));
    return host !== undefined && (isIP(host.slice("PGHOST=".length)) !== 0) === (where === "shadow");
  })?.pid;
}

/** What makes a backup, or restores one. */
export function findPgBackRest(command: "backup" | "restore"): number | undefined {
  return processes().find(
    ({ command: words }) => /(^|\/)pgbackrest$/.test(words[0] ?? "") && words.includes(command),
  )?.pid;
}

/** The processes of a colour's pods that take requests. */
export function standInsOf(target: RoutedTargetName, color: Color): number[] {
  const meant = [`PYAIRTABLE_TARGET=${target}`, `PYAIRTABLE_BACKEND=${color}`];
  return processes()
    .filter(({ pid, command: [name = ""] }) => {
      const environment = name === "/standin" ? environmentOf(pid) : [];
      return meant.every((pair) => environment.includes(pair));
    })
    .map(({ pid }) => pid);
}

/** Ends a process as the kernel would that has run out of memory. @returns false if it had ended by itself */
export function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

/** Resolves as soon as `look` finds something; looks every few milliseconds until `signal` aborts. */
export async function seen<T>(
  look: () => T | undefined | Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(5, undefined, { signal });
  }
}

function processes(): Process[] {
  return fs
    .readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const text = read(entry, "cmdline");
      // One of the kernel's own, or one that has ended.
      return text === "" ? [] : [{ pid: Number(entry), command: text.split("\0") }];
    });
}

function environmentOf(pid: number): readonly string[] {
  return read(String(pid), "environ").split("\0");
}

function descendsFrom(pid: number, ancestor: number): boolean {
  const stat = read(String(pid), "stat");
  const [, parent = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(parent) === ancestor || (Number(parent) > 1 && descendsFrom(Number(parent), ancestor));
}

/** Nothing of a process that has ended since. */
function read(pid: string, file: "cmdline" | "environ" | "stat"): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
