import fs from "node:fs";
import path from "node:path";
import { blackboxModules } from "../../monitoring/probes";
import { duration } from "../../monitoring/promql";
import type { Timing } from "../../monitoring/timing";
import type { Toolbox } from "../../tools/acquire";
import { prometheusRulesDir, prometheusTargetsDir, stateDir } from "../paths";
import ports from "../ports.json";
import { expectOk } from "./http";
import { certificateFile } from "./certificates";
import { writeConfig } from "./configFile";
import type { Part } from "./processes";
import { prometheusConfig } from "./prometheusConfig";

export const prometheusUrl = `http://127.0.0.1:${ports.prometheus}`;

/** Prometheus' own default, which the scale shortens with everything else: how long a sample counts after the last one. */
const lookbackMs = 300_000;
const minuteMs = 60_000;

export function prometheus(tools: Toolbox, timing: Timing): Part {
  const dataDir = path.join(stateDir, "prometheus");
  for (const dir of [dataDir, prometheusRulesDir, prometheusTargetsDir]) {
    fs.mkdirSync(dir, { recursive: true });
  }
  const configFile = writeConfig("prometheus.yaml", prometheusConfig(timing));
  return {
    name: "prometheus",
    command: [
      tools.path("prometheus"),
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${dataDir}`,
      // Longer than any soak.
      "--storage.tsdb.retention.time=3d",
      `--web.listen-address=127.0.0.1:${ports.prometheus}`,
      // New rules are read without a restart.
      "--web.enable-lifecycle",
      `--query.lookback-delta=${duration(lookbackMs * timing.scale)}`,
      // A restart forgets how long an alert has been waiting, unless that is longer than this.
      `--rules.alert.for-grace-period=${duration(minuteMs * timing.scale)}`,
      // Alertmanager, when it was away, learns of what still fires within two scrapes.
      `--rules.alert.resend-delay=${duration(2 * timing.scrapeMs)}`,
      "--log.level=warn",
    ],
    configFiles: [configFile, certificateFile("monitoring")],
    ready: () => expectOk(`${prometheusUrl}/-/ready`),
  };
}

/** Asks backends from outside whether they are healthy. */
export function blackboxExporter(tools: Toolbox, timing: Timing): Part {
  const configFile = writeConfig("blackbox-exporter.yaml", { modules: blackboxModules(timing) });
  return {
    name: "blackbox-exporter",
    command: [
      tools.path("prometheus-blackbox-exporter"),
      `--config.file=${configFile}`,
      `--web.listen-address=127.0.0.1:${ports.blackboxExporter}`,
      // The module's own timeout counts.
      "--timeout-offset=0",
      "--log.level=warn",
    ],
    configFiles: [configFile],
    ready: () => expectOk(`http://127.0.0.1:${ports.blackboxExporter}/-/healthy`),
  };
}
