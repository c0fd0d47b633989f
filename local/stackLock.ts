import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { projectName, stackName } from "./environment";
import { pulumiStateDir } from "./paths";

const lockSchema = z.object({ pid: z.int() });

/** Whether the local stack is locked by an update that no longer runs. */
export function hasStaleLock(backendDir = pulumiStateDir): boolean {
  const dir = path.join(backendDir, ".pulumi", "locks", "organization", projectName, stackName);
  if (!fs.existsSync(dir)) return false;
  return fs
    .readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .map((file) => lockSchema.parse(JSON.parse(fs.readFileSync(path.join(dir, file), "utf8"))))
    .some(({ pid }) => !fs.existsSync(`/proc/${pid}`));
}
