import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { checkoutDir } from "../../local/paths";

/** Builds the command of a folder below local/; the compiler's cache makes a repeat cheap. */
export async function buildGoCommand(name: string, folder: string): Promise<string> {
  const binary = path.join(folder, name);
  await promisify(execFile)("go", ["build", "-buildvcs=false", "-o", binary, "."], {
    cwd: path.join(checkoutDir, "local", name),
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
  });
  return binary;
}
