import fs from "node:fs";
import path from "node:path";

const mountPoint = "/sys/fs/cgroup";

/** The folders of one cgroup: one with version 2, one per controller with version 1. */
function hierarchies(cgroup: string): string[] {
  const controllers = fs.existsSync(path.join(mountPoint, "cgroup.controllers"))
    ? [mountPoint]
    : fs.readdirSync(mountPoint).map((controller) => path.join(mountPoint, controller));
  return controllers.map((controller) => path.join(controller, cgroup));
}

/** The kubelet expects its root to be there. */
export function createCgroup(cgroup: string): void {
  for (const dir of hierarchies(cgroup)) fs.mkdirSync(dir, { recursive: true });
}

/** Kills every process in the cgroup and below it. */
export function killCgroup(cgroup: string): void {
  for (const dir of existing(cgroup)) {
    for (const below of descendants(dir)) {
      for (const pid of fs
        .readFileSync(path.join(below, "cgroup.procs"), "utf8")
        .split("\n")
        .filter(Boolean)) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // It has ended by itself.
        }
      }
    }
  }
}

/** Removes the cgroup; throws while a process is left in it. */
export function deleteCgroup(cgroup: string): void {
  for (const dir of existing(cgroup)) for (const below of descendants(dir)) fs.rmdirSync(below);
}

const existing = (cgroup: string): string[] => hierarchies(cgroup).filter((dir) => fs.existsSync(dir));

/** Deepest first, the folder itself last. */
function descendants(dir: string): string[] {
  const below = fs.readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => descendants(path.join(dir, entry.name))), dir];
}
