import path from "node:path";
import type { Toolbox } from "../../tools/acquire";
import { checkoutDir } from "../paths";
import ports from "../ports.json";
import { expectOk } from "./http";
import { kubeconfigFile } from "./kubeconfigs";
import type { Part } from "./processes";
import { bundled } from "../../tools/bundle.js";

/**
 * Stands in for the Prometheus operator: brings the rules that the stack keeps in ConfigMaps to Prometheus, and which
 * backends run.
 */
export function monitoringSync(tools: Toolbox): Part {
  return {
    name: "monitoring-sync",
    command: [process.execPath, path.join(checkoutDir, "local", "monitoringSync", "bin.js")],
    environment: { KUBECONFIG: kubeconfigFile("monitoring"), PROMTOOL: tools.path("promtool") },
    configFiles: [kubeconfigFile("monitoring"), bundled("local/monitoringSync/main.ts")],
    ready: () => expectOk(`http://127.0.0.1:${ports.monitoringSync}/healthz`),
  };
}
