import fs from "node:fs";
import path from "node:path";
import { cacheDir } from "./cacheDir.js";

/** PULUMI_HOME of the local stacks. */
export const pulumiHome = path.join(cacheDir, "pulumi-home");

const reason = `A file in place of a folder: the CLI would keep a debug log of every command here,
which takes half a second of each preview, and it has no setting for that.
`;

/** Keeps the CLI from its logs, also those of an earlier version of this program. */
export function withoutLogs(home = pulumiHome): void {
  const logs = path.join(home, "logs");
  if (fs.statSync(logs, { throwIfNoEntry: false })?.isFile() === true) return;
  fs.mkdirSync(home, { recursive: true });
  fs.rmSync(logs, { recursive: true, force: true });
  fs.writeFileSync(logs, reason);
}
