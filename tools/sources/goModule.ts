import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import type { goTools } from "../pins";

/** The environment of every `go` command: nothing of the user's own settings may change what is built. */
export const goEnvironment = { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" } as const;

/** The folder of this checkout with the go.mod and go.sum that pin a tool. */
export function moduleFolder(tool: keyof typeof goTools): string {
  return path.join(__dirname, "..", "modules", tool);
}

/** A short hash of all that decides what is built from a tool's module: its own files, and `others`. */
export function hashOfModule(tool: keyof typeof goTools, others: readonly string[]): string {
  const hash = crypto.createHash("sha256");
  const folder = moduleFolder(tool);
  for (const file of fs.readdirSync(folder).sort()) {
    hash.update(`${file}\0`).update(fs.readFileSync(path.join(folder, file)));
  }
  return hash.update(JSON.stringify(others)).digest("hex").slice(0, 12);
}

/**
 * Downloads one module, if it isn't there, and returns its folder. Rejects when its sum isn't `sum`.
 * @param cwd a tool's folder, whose go.sum is asked then, or one outside of any module
 */
export async function downloadModule(
  cwd: string,
  { module, version, sum }: { readonly module: string; readonly version: string; readonly sum: string },
  signal: AbortSignal,
): Promise<string> {
  const output = await run("go", ["mod", "download", "-json", `${module}@${version}`], {
    cwd,
    env: goEnvironment,
    signal,
  });
  const answer: unknown = JSON.parse(output);
  if (!isDownloaded(answer))
    throw new Error(`go mod download ${module}@${version} gave no folder: ${output}`);
  if (answer.Sum !== sum) throw new Error(`${module}@${version} has the sum ${answer.Sum}, expected ${sum}`);
  return answer.Dir;
}

function isDownloaded(answer: unknown): answer is { Dir: string; Sum: string } {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "Dir" in answer &&
    typeof answer.Dir === "string" &&
    "Sum" in answer &&
    typeof answer.Sum === "string"
  );
}
