import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../../tools/acquire";
import { stateDir } from "../paths";
import ports from "../ports.json";
import { expectOk } from "./http";
import { kubeconfigFile } from "./kubeconfigs";
import { hostAddress } from "./network";
import type { Part } from "./processes";
import { clusterRoleBinding } from "./rbac";

export const clusterDomain = "cluster.local";

export const dnsMayRead = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: coredns
rules:
  - apiGroups: [""]
    resources: [services, pods, namespaces]
    verbs: [list, watch]
  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [list, watch]
---${clusterRoleBinding({ name: "coredns", role: "coredns", user: "coredns" })}`;

/** Knows the cluster's Services by name, and nothing outside: no question of a pod's leaves this machine. */
export function dns(tools: Toolbox): Part {
  const kubeconfig = kubeconfigFile("coredns");
  const ready = `127.0.0.1:${ports.dnsReady}`;
  const configFile = path.join(stateDir, "config", "Corefile");
  fs.mkdirSync(path.dirname(configFile), { recursive: true });
  fs.writeFileSync(
    configFile,
    `.:${ports.dns} {
  bind ${hostAddress}
  ready ${ready}
  errors
  kubernetes ${clusterDomain} {
    kubeconfig ${kubeconfig}
  }
}
`,
  );
  return {
    name: "dns",
    command: [tools.path("coredns"), `-conf=${configFile}`],
    configFiles: [configFile, kubeconfig],
    ready: () => expectOk(`http://${ready}/ready`),
  };
}
