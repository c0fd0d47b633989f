import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import { goTools } from "../pins";
import { cachedSource } from "./cachedSource";
import { downloadModule, goEnvironment, hashOfModule, moduleFolder } from "./goModule";
import type { GoTool } from "../pins";
import type { Obtaining, Source } from "./source";

/** A tool that is built from its Go module. */
export function goTool(name: keyof typeof goTools): Source {
  const pin: GoTool = goTools[name];
  const version = releaseOf(pin);
  const flags = ["-buildvcs=false", "-ldflags", linkerFlags(pin)];
  return cachedSource({
    title: `Building ${name} ${version}`,
    name,
    key: `${version}-${hashOfModule(name, flags)}`,
    version,
    binaries: pin.binaries,
    onPath: pin.onPath,
    verb: "built",
    async make(dir, scratch, work) {
      const source = await sourceFolder(name, pin, scratch, work.signal);
      await build(source, [...flags, "-o", `${dir}/`, pin.packages], pin.packages, scratch, work);
      for (const binary of pin.binaries) fs.accessSync(path.join(dir, binary), fs.constants.X_OK);
    },
  });
}

/** The tool's release as people know it. */
function releaseOf(pin: GoTool): string {
  return pin.release ?? pin.version.replace(/^v/, "");
}

function linkerFlags(pin: GoTool): string {
  const variables = Object.entries(pin.variables).map(([variable, value]) => `-X ${variable}=${value}`);
  return ["-s -w", ...variables].join(" ");
}

/** The checkout's folder; for a tool that embeds files a copy of it with them, so that the checkout stays clean. */
async function sourceFolder(
  name: keyof typeof goTools,
  pin: GoTool,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  const embeds = Object.entries(pin.embeds);
  if (embeds.length === 0) return moduleFolder(name);
  const copy = path.join(scratch, "source");
  fs.cpSync(moduleFolder(name), copy, { recursive: true });
  const module = await downloadModule(moduleFolder(name), pin, signal);
  for (const [file, how] of embeds) {
    const content = fs.readFileSync(path.join(module, file), "utf8");
    fs.writeFileSync(
      path.join(copy, path.basename(file)),
      how === "copy" ? content : withVersion(content, releaseOf(pin)),
    );
  }
  return copy;
}

function withVersion(json: string, version: string): string {
  const content: unknown = JSON.parse(json);
  return JSON.stringify({ ...Object(content), version });
}

async function build(
  source: string,
  args: readonly string[],
  packages: string,
  scratch: string,
  { report, signal }: Obtaining,
): Promise<void> {
  const options = { cwd: source, env: { ...goEnvironment, GOTMPDIR: scratch }, signal };
  report("downloading modules");
  const listed = await run("go", ["list", "-deps", packages], {
    ...options,
    onLine: (line) => report(line.replace(/^go: /, "")),
  });
  const total = listed.trim().split("\n").length;
  let compiled = 0;
  report("linking");
  await run("go", ["build", "-v", ...args], {
    ...options,
    onLine(line) {
      if (line.startsWith("go: ")) return;
      compiled += 1;
      // Packages in Go's own cache aren't compiled again and aren't counted.
      report(`package ${compiled} of at most ${total}: ${line}`);
    },
  });
}
