import fs from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { stateDir } from "../paths";

/** Writes a part's configuration. @returns the file */
export function writeConfig(name: string, content: object): string {
  const file = path.join(stateDir, "config", name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, stringify(content));
  return file;
}
