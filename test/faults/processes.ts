import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import type { Color } from "../../migration";

interface Process {
  readonly pid: number;
  readonly parent: number;
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
  const all = processes();
  const program = (command: readonly string[]): boolean =>
    command.some((word) => word.includes("@pulumi/pulumi/cmd/run"));
  return all.find(({ pid, command }) => program(command) && descendsFrom(all, pid, cli))?.pid;
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
      try {
        const stat = fs.readFileSync(`/proc/${entry}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z") return [];
        const command = fs.readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
        return [{ pid: Number(entry), parent: Number(parent), command }];
      } catch {
        return []; // It has ended since the folder was listed.
      }
    });
}

function environmentOf(pid: number): readonly string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // It has ended since the folder was listed.
  }
}

function descendsFrom(all: readonly Process[], pid: number, ancestor: number): boolean {
  const parent = all.find((each) => each.pid === pid)?.parent;
  return parent !== undefined && (parent === ancestor || descendsFrom(all, parent, ancestor));
}
