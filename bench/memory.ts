import fs from "node:fs";
import path from "node:path";

/** A kind of process, such as the provider. */
export type ProcessClass = "CLI" | "language host" | "program" | "provider" | "cutover";

const pollMs = 50;

/** The peak resident memory in MB of the largest process of each class that `work` started, directly or not. */
export async function peakMemory(work: () => Promise<unknown>): Promise<ReadonlyMap<ProcessClass, number>> {
  const peaks = new Map<ProcessClass, number>();
  const family = new Family(process.pid);
  const look = (): void => {
    for (const pid of family.members()) {
      const kind = classOf(commandLine(pid));
      const peak = peakOf(pid);
      if (kind !== undefined && peak !== undefined) peaks.set(kind, Math.max(peak, peaks.get(kind) ?? 0));
    }
  };
  const timer = setInterval(look, pollMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peaks;
}

/** What a process is, by its command line; undefined for what isn't of interest. */
export function classOf([command = "", ...args]: readonly string[]): ProcessClass | undefined {
  const name = path.basename(command);
  if (name.startsWith("pulumi-resource-")) return "provider";
  if (args.some((arg) => /@pulumi\/pulumi\/cmd\/run(\/|$)/.test(arg))) return "program";
  if (args.some((arg) => /(^|\/)(languageHost\.js|pulumi-language-nodejs)$/.test(arg)))
    return "language host";
  if (name === "pulumi-language-nodejs") return "language host";
  if (name === "pulumi") return "CLI";
  // Whatever runs it, it is named by what it runs first.
  return [command, args[0] ?? "", args[1] ?? "", args[2] ?? ""].some((arg) => /\/cutover\//.test(arg))
    ? "cutover"
    : undefined;
}

/** The processes that descend from one. Each other process is looked at once only. */
class Family {
  private readonly known: Set<string>;
  private readonly strangers = new Set<string>();

  constructor(ancestor: number) {
    this.known = new Set([String(ancestor)]);
  }

  members(): string[] {
    const pids = fs.readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
    const present = pids.filter((pid) => !this.strangers.has(pid));
    // In ascending order parents come first, except when the kernel's numbers have just begun anew.
    for (const pid of present.sort((a, b) => Number(a) - Number(b))) {
      if (this.known.has(pid)) continue;
      const parent = parentOf(pid);
      if (parent !== undefined) (this.known.has(parent) ? this.known : this.strangers).add(pid);
    }
    return present.filter((pid) => this.known.has(pid));
  }
}

function commandLine(pid: string): string[] {
  return (read(pid, "cmdline") ?? "").split("\0").filter(Boolean);
}

function parentOf(pid: string): string | undefined {
  return /^PPid:\s+(\d+)$/m.exec(read(pid, "status") ?? "")?.[1];
}

/** MB */
function peakOf(pid: string): number | undefined {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(pid, "status") ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

function read(pid: string, file: string): string | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined; // It has ended.
  }
}
