import { createHash } from "node:crypto";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { run } from "../tools/child";
import { interruptible } from "../tools/interrupt";
import { showProgress } from "../tools/progress";
import { cachedSource } from "../tools/sources/cachedSource";
import { goEnvironment } from "../tools/sources/goModule";

/** A controller to compare with, built when it is first asked for: only its measurement needs it. */
export interface Peer {
  readonly title: string;
  readonly name: string;
  readonly goModule: string;
  readonly binary: string;
  /** The folder of the go.mod that pins it. */
  readonly moduleDir: string;
  /** Of its module, which files are the CRDs: a folder in it, and how their names end. */
  readonly crds: { readonly dir: string; readonly suffix: string };
}

export interface PeerFiles {
  readonly controller: string;
  /** A folder of manifests. */
  readonly crds: string;
}

export async function acquirePeer(peer: Peer): Promise<PeerFiles> {
  const source = peerSource(peer);
  let found = await source.find();
  if (found === undefined) {
    await interruptible((signal) =>
      showProgress([
        {
          title: source.title,
          run: async (report) => void (found = await source.obtain({ report, signal })),
        },
      ]),
    );
  }
  const { [peer.binary]: controller, crds } = found?.files ?? {};
  if (controller === undefined || crds === undefined) throw new Error(`${source.title} gave no files`);
  return { controller, crds };
}

function peerSource(peer: Peer): ReturnType<typeof cachedSource> {
  const { goModule, moduleDir } = peer;
  const pins = ["go.mod", "go.sum"].map((file) => fs.readFileSync(path.join(moduleDir, file), "utf8"));
  const version = new RegExp(`${goModule} v(\\S+)`).exec(pins.join("\n"))?.[1] ?? "unknown";
  const key = createHash("sha256").update(pins.join("\0")).digest("hex").slice(0, 12);
  return cachedSource({
    title: `Building ${peer.title} ${version}`,
    name: peer.name,
    key: `${version}-${key}`,
    version,
    binaries: [peer.binary, "crds"],
    verb: "built",
    async make(dir, scratch, { report, signal }) {
      const options = { cwd: moduleDir, env: { ...goEnvironment, GOTMPDIR: scratch }, signal };
      report("downloading modules");
      const [, folder = ""] =
        /"Dir": "([^"]+)"/.exec(await run("go", ["mod", "download", "-json", goModule], options)) ?? [];
      const manifests = path.join(folder, peer.crds.dir);
      fs.mkdirSync(path.join(dir, "crds"));
      for (const file of fs.readdirSync(manifests).filter((name) => name.endsWith(peer.crds.suffix))) {
        fs.copyFileSync(path.join(manifests, file), path.join(dir, "crds", file));
      }
      report("compiling");
      await run("go", ["build", "-buildvcs=false", "-ldflags", "-s -w", "-o", `${dir}/`, "tool"], options);
    },
  });
}

/** Runs a peer's controller beside the cluster. */
export function startController(binary: string, args: readonly string[], logFile: string): ChildProcess {
  const log = fs.openSync(logFile, "w");
  // Ctrl-C at the terminal is answered by cleaning up, for which it is still needed.
  const controller = spawn(binary, args, { detached: true, stdio: ["ignore", log, log] });
  fs.closeSync(log);
  process.once("exit", () => controller.kill("SIGKILL"));
  return controller;
}

export async function endController(controller: ChildProcess): Promise<void> {
  if (controller.exitCode !== null || controller.signalCode !== null) return;
  const ended = once(controller, "exit");
  controller.kill("SIGTERM");
  const overdue = setTimeout(() => controller.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(overdue);
}
