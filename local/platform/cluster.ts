import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Toolbox } from "../../tools/acquire";
import { adminKubeconfig, stateDir } from "../paths";
import { dnsMayRead } from "./dns";
import { nodeName } from "./node";
import { storageManifests } from "./storage";
import { run } from "../../tools/child";
import { clusterRoleBinding } from "./rbac";

const gatewayClass = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: contour
spec:
  controllerName: projectcontour.io/gateway-controller
`;

/** Stands in for Terraform: a shared resource that it owns until `infrastructure` is cut over. */
const ownedByTerraform = `
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: pyairtable-service
  labels:
    app.kubernetes.io/managed-by: terraform
value: 1000
globalDefault: false
description: "PyAirtable's services: above batch work, below the cluster's own parts"
`;

/** Lets Prometheus and what feeds it see the cluster, and change nothing. */
const monitoringMayRead = clusterRoleBinding({
  name: "pyairtable-monitoring",
  role: "view",
  user: "monitoring",
});

/** The kinds of the Prometheus operator that stacks make; all of them would be thirty times the text. */
const operatorKinds = ["podmonitors", "probes", "prometheusrules"];

/**
 * What a cluster's operator installs before any stack: the Gateway API, Contour's own types, the Prometheus operator's,
 * which nobody serves here, the class, who may look at it, what makes volumes and knows names, and what Terraform made.
 */
export async function installGatewayApi(tools: Toolbox): Promise<void> {
  const installed = path.join(stateDir, "gateway-api-installed");
  const manifests = `${gatewayClass}---${ownedByTerraform}---${monitoringMayRead}---${storageManifests}---${dnsMayRead}`;
  const operatorCrds = operatorKinds.map((kind) =>
    path.join(tools.prometheusOperatorCrds, `monitoring.coreos.com_${kind}.yaml`),
  );
  const crds = [tools.gatewayApiCrds, tools.contourCrds, ...operatorCrds];
  const wanted = [...crds, manifests].join("\n");
  if (fs.existsSync(installed) && fs.readFileSync(installed, "utf8") === wanted) return;
  await kubectl(tools, ["apply", "--server-side", ...crds.flatMap((file) => ["-f", file])]);
  await kubectl(tools, ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]);
  await kubectlApply(tools, manifests);
  fs.writeFileSync(installed, wanted);
}

/** Waits until the scheduler may place pods. */
export async function waitForNode(tools: Toolbox): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await kubectl(tools, ["wait", "--for=condition=Ready", `node/${nodeName}`, "--timeout=60s"]);
      return;
    } catch (error) {
      // Until the kubelet has registered it, there is no node to wait for.
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

export function kubectl(tools: Toolbox, args: readonly string[]): Promise<string> {
  return run(tools.path("kubectl"), ["--kubeconfig", adminKubeconfig, ...args]);
}

export async function kubectlApply(tools: Toolbox, manifest: string): Promise<void> {
  const child = spawn(
    tools.path("kubectl"),
    ["--kubeconfig", adminKubeconfig, "apply", "--server-side", "-f", "-"],
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  child.stdin.end(manifest);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`kubectl apply ended with ${String(code)}`);
}
