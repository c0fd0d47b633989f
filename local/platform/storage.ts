import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../../tools/acquire";
import { stateDir } from "../paths";
import { writeConfig } from "./configFile";
import { pauseImage } from "./images";
import { kubeconfigFile } from "./kubeconfigs";
import { type Part, logFile, runningParts } from "./processes";
import { clusterRoleBinding } from "./rbac";

/** Where claims' volumes are: below it, so that stopping deletes them. */
const volumesDir = path.join(stateDir, "volumes");
const namespace = "local-path-storage";
const user = "local-path-provisioner";

/** A claim's volume is a folder of this machine, made once a pod wants it. */
export const storageManifests = `
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-path-config
  namespace: ${namespace}
data:
  setup: |
    set -eu
    mkdir -m 0777 -p "$VOL_DIR"
  teardown: |
    set -eu
    rm -rf "$VOL_DIR"
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local-path
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ${user}
rules:
  - apiGroups: [""]
    resources: [nodes, persistentvolumeclaims, configmaps]
    verbs: [get, list, watch]
  - apiGroups: [""]
    resources: [persistentvolumes]
    verbs: [get, list, watch, create, patch, update, delete]
  - apiGroups: [""]
    resources: [events]
    verbs: [create, patch]
  - apiGroups: [storage.k8s.io]
    resources: [storageclasses]
    verbs: [get, list, watch]
---${clusterRoleBinding({ name: user, role: user, user })}---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ${user}
  namespace: ${namespace}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get, list, watch, create, patch, update, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ${user}
  namespace: ${namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: ${user}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: ${user}
`;

/**
 * Makes volumes and deletes them, each time by a pod that lives for a second. That pod's log it looks for inside a cluster
 * only, and says each time that it can't.
 */
export function localPathProvisioner(tools: Toolbox): Part {
  const name = "local-path-provisioner";
  const helperPod = writeConfig("volume-helper-pod.yaml", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "volume" },
    spec: {
      automountServiceAccountToken: false,
      containers: [
        {
          name: "helper-pod",
          image: pauseImage,
          imagePullPolicy: "Never",
          // The folders are root's.
          securityContext: { runAsUser: 0 },
        },
      ],
    },
  });
  const paths = [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: [volumesDir] }];
  return {
    name,
    command: [
      tools.path("local-path-provisioner"),
      "start",
      `--config=${JSON.stringify({ nodePathMap: paths })}`,
      `--kubeconfig=${kubeconfigFile(user)}`,
      `--namespace=${namespace}`,
      `--helper-pod-file=${helperPod}`,
      "--service-account-name=default",
    ],
    configFiles: [helperPod, kubeconfigFile(user)],
    ready: () => hasStarted(name),
  };
}

/** It answers nobody; that it follows the cluster it says in its log, with its process's number. */
async function hasStarted(name: string): Promise<void> {
  const log = await fs.promises.readFile(logFile(name), "utf8");
  const processes = runningParts().filter((part) => part.name === name);
  const started = ({ pid }: { readonly pid: number }): boolean =>
    new RegExp(`^\\w+ \\S+ +${pid} .*Started provisioner controller`, "m").test(log);
  if (!processes.some(started)) throw new Error(`${name} hasn't started`);
}
