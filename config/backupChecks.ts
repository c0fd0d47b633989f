import { type Entry, mapAt } from "./entry";
import type { Problem } from "./problem";

/** What the backups need of the rest of the config. */
export function backupChecks(config: Entry): Problem[] {
  if (config["backup"] === undefined || mapAt(config, "platform")["aws"] !== undefined) return [];
  return [
    { path: ["backup"], text: "found no account to keep the bundles in, expected pyairtable:platform.aws" },
  ];
}
