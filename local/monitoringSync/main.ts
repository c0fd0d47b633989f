import fs from "node:fs";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { reason } from "../../cluster/thrown";
import { writeAtomically } from "../../cutover/atomicWrite";
import { databasesFile, podsFile, probesFile, prometheusRulesDir } from "../paths";
import { gateway } from "../platform/gateway";

import ports from "../ports.json";
import { type ScrapedTarget, databaseTargets, podTargets, probeTargets } from "./targets";
import { writeRuleFiles } from "./ruleFiles";
import { watchLists } from "./watchLists";

/** What the stack puts on ConfigMaps that hold rules. */
const rulesLabel = "pyairtable.dev/prometheus-rules=true";

/** The process: keeps Prometheus' rules and probes those of the cluster, and tells how that goes. */
export async function main(): Promise<void> {
  const promtool = process.env["PROMTOOL"] ?? "promtool";
  const api = await KubeApi.connect();
  let refused = 0;
  let isSynced = false;
  serve(
    () => isSynced,
    () => refused,
  );
  const core = `/api/v1/namespaces/${gateway.namespace}`;
  const ours = `labelSelector=${encodeURIComponent("app.kubernetes.io/part-of=pyairtable")}`;
  await watchLists(
    api,
    [
      `${core}/configmaps?labelSelector=${encodeURIComponent(rulesLabel)}`,
      `${core}/services?${ours}`,
      `/apis/apps/v1/namespaces/${gateway.namespace}/deployments?${ours}`,
      `${core}/pods?${ours}`,
    ],
    async ([configMaps = [], services = [], deployments = [], pods = []]) => {
      writeTargets(probesFile, probeTargets(services, deployments));
      writeTargets(podsFile, podTargets(pods));
      writeTargets(databasesFile, databaseTargets(pods));
      const rules = await writeRuleFiles(configMaps, prometheusRulesDir, promtool);
      refused = rules.refused.size;
      for (const [file, why] of rules.refused)
        log(`REFUSED ${file}; the rules before it stay in force: ${why}`);
      if (rules.changed) await reload();
      isSynced = true;
    },
    new AbortController().signal,
    log,
  );
}

function writeTargets(file: string, targets: readonly ScrapedTarget[]): void {
  const content = JSON.stringify(targets);
  if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === content) return;
  writeAtomically(file, content);
}

/** Until Prometheus has read the rules: one that is away reads them when it starts, and then once more. */
async function reload(): Promise<void> {
  for (;;) {
    const refusal = await ask(new URL(`http://127.0.0.1:${ports.prometheus}/-/reload`), {
      method: "POST",
    }).then(({ status, body }) => (status === 200 ? undefined : body), reason);
    if (refusal === undefined) return;
    log(`Prometheus has not read the rules: ${refusal}`);
    await sleep(1000);
  }
}

function serve(isSynced: () => boolean, refused: () => number): void {
  http
    .createServer((request, response) => {
      if (request.url === "/metrics") {
        response.setHeader("content-type", "text/plain; version=0.0.4");
        response.end(
          `# HELP pyairtable_refused_rule_files Rule files of the cluster that promtool refuses.\n# TYPE pyairtable_refused_rule_files gauge\npyairtable_refused_rule_files ${refused()}\n`,
        );
        return;
      }
      response.statusCode = isSynced() ? 200 : 503;
      response.end();
    })
    .listen(ports.monitoringSync, "127.0.0.1");
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
}
