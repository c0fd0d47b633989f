import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runDir, stateDir } from "../paths";
import { deleteCgroup, killCgroup } from "./cgroups";
import { deleteKubernetesRules } from "./iptables";
import { deleteNetwork } from "./network";
import { cgroupRoot } from "./node";
import { runningParts, stopParts } from "./processes";
import { restoreSysctls } from "./sysctls";

/**
 * Takes down everything that the platform started and nothing else, and the
 * throw-away cluster's data with it. Works from what is there, not from
 * records, so it works after a crash, and twice.
 */
export async function stopPlatform(): Promise<void> {
  // The kubelet first: it would start again what ends below it.
  await stopParts(["kubelet"]);
  await stopParts(runningParts().map(({ name }) => name));
  await emptyCgroup();
  unmountBelow([runDir, stateDir]);
  deleteNetwork();
  deleteKubernetesRules();
  restoreSysctls();
  deleteLeftovers();
  for (const dir of [runDir, stateDir]) fs.rmSync(dir, { recursive: true, force: true });
}

async function emptyCgroup(): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    killCgroup(cgroupRoot);
    try {
      deleteCgroup(cgroupRoot);
      return;
    } catch (error) {
      // A killed process stays in its cgroup for a moment.
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

function unmountBelow(dirs: readonly string[]): void {
  const mountPoints = fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((mountPoint) => dirs.some((dir) => mountPoint.startsWith(`${dir}/`)));
  for (const mountPoint of mountPoints.reverse()) execFileSync("umount", ["--lazy", mountPoint]);
}

/** Files at places that containerd, the kubelet and CNI have built in. */
function deleteLeftovers(): void {
  deleteMatching("/var/log/containers", (file) => fs.readlinkSync(file).startsWith(`${stateDir}/`));
  deleteMatching("/var/lib/cni/results", (file) => path.basename(file).startsWith("pyairtable-"));
  deleteMatching("/var/lib/kubelet/device-plugins", () => true);
  deleteMatching("/run/containerd/s", () => true);
  for (const dir of [
    "/var/log/containers",
    "/var/lib/cni/results",
    "/var/lib/cni",
    "/var/lib/kubelet/device-plugins",
    "/var/lib/kubelet",
    "/run/containerd/s",
    "/run/containerd",
  ]) {
    if (fs.existsSync(dir) && fs.readdirSync(dir).length === 0) fs.rmdirSync(dir);
  }
}

function deleteMatching(dir: string, matches: (file: string) => boolean): void {
  if (!fs.existsSync(dir)) return;
  for (const entry of fs.readdirSync(dir)) {
    const file = path.join(dir, entry);
    if (matches(file)) fs.rmSync(file, { recursive: true });
  }
}
