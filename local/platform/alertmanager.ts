import fs from "node:fs";
import path from "node:path";
import { alertmanagerConfig } from "../../monitoring/alertmanager";
import type { Timing } from "../../monitoring/timing";
import type { Toolbox } from "../../tools/acquire";
import { guardTokenFile, stateDir } from "../paths";
import ports from "../ports.json";
import { ensureGuardTokens } from "../guard";
import { writeConfig } from "./configFile";
import { expectOk } from "./http";
import type { Part } from "./processes";

export const alertmanagerUrl = `http://127.0.0.1:${ports.alertmanager}`;

/** Nobody but the guard is told: the platform has no chat. */
export function alertmanager(tools: Toolbox, timing: Timing): Part {
  ensureGuardTokens();
  const dataDir = path.join(stateDir, "alertmanager");
  fs.mkdirSync(dataDir, { recursive: true });
  const guard = { url: `http://127.0.0.1:${ports.guard}/alerts`, credentialsFile: guardTokenFile };
  const configFile = writeConfig("alertmanager.yaml", alertmanagerConfig({ guard }, timing));
  return {
    name: "alertmanager",
    command: [
      tools.path("prometheus-alertmanager"),
      `--config.file=${configFile}`,
      `--storage.path=${dataDir}`,
      `--web.listen-address=127.0.0.1:${ports.alertmanager}`,
      // Alone: it looks for no others.
      "--cluster.listen-address=",
      "--log.level=warn",
    ],
    configFiles: [configFile],
    ready: () => expectOk(`${alertmanagerUrl}/-/ready`),
  };
}
