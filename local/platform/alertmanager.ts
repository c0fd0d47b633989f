import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import type { Toolbox } from "../../tools/acquire";
import { guardTokenFile, reportTokenFile, stateDir } from "../paths";
import ports from "../ports.json";
import { expectOk } from "./http";
import type { Part } from "./processes";

export const alertmanagerUrl = `http://127.0.0.1:${ports.alertmanager}`;

export function alertmanager(tools: Toolbox): Part {
  for (const file of [guardTokenFile, reportTokenFile]) makeToken(file);
  const dataDir = path.join(stateDir, "alertmanager");
  const configFile = path.join(stateDir, "config", "alertmanager.yaml");
  for (const dir of [dataDir, path.dirname(configFile)]) fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(configFile, stringify(alertmanagerConfig()));
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

/** All alerts go to the guard, at once. */
export function alertmanagerConfig(): object {
  return {
    route: {
      receiver: "guard",
      group_by: ["alertname", "target", "backend"],
      group_wait: "0s",
      group_interval: "1s",
      repeat_interval: "1m",
    },
    receivers: [
      {
        name: "guard",
        webhook_configs: [
          {
            url: `http://127.0.0.1:${ports.guard}/alerts`,
            send_resolved: true,
            http_config: { authorization: { type: "Bearer", credentials_file: guardTokenFile } },
          },
        ],
      },
    ],
  };
}

/** A new one with every new platform. */
function makeToken(file: string): void {
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(32).toString("hex"), { mode: 0o600 });
}
