import fs from "node:fs";
import path from "node:path";
import { stateDir } from "../paths";
import { run } from "../../tools/child";

/** Builds a command from its source in a folder beside this one's; the compiler's cache makes a repeat cheap. */
export async function buildGoCommand(name: "standin" | "migrations"): Promise<string> {
  const binary = path.join(stateDir, "bin", name);
  fs.mkdirSync(path.dirname(binary), { recursive: true });
  await run("go", ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", `${binary}.new`, "."], {
    cwd: path.join(__dirname, "..", name),
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
  });
  // Renamed, because the old one may be running.
  fs.renameSync(`${binary}.new`, binary);
  return binary;
}
