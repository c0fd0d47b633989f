import fs from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { kubeconfigDir } from "../paths";
import ports from "../ports.json";
import { type CertificateName, certificateFile, keyFile } from "./certificates";

export const apiserverUrl = `https://127.0.0.1:${ports.apiserver}`;

const users = [
  "admin",
  "kubelet",
  "controller-manager",
  "scheduler",
  "kube-proxy",
  "contour",
  "monitoring",
  "coredns",
  "local-path-provisioner",
] as const satisfies readonly CertificateName[];

export const kubeconfigFile = (user: (typeof users)[number]): string => path.join(kubeconfigDir, user);

/** One kubeconfig per component, each with its own identity; certificates inside, so that the file can be copied. */
export function writeKubeconfigs(): void {
  fs.mkdirSync(kubeconfigDir, { recursive: true, mode: 0o700 });
  const base64 = (file: string): string => fs.readFileSync(file).toString("base64");
  for (const user of users) {
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "pyairtable-local",
      clusters: [
        {
          name: "pyairtable-local",
          cluster: { server: apiserverUrl, "certificate-authority-data": base64(certificateFile("ca")) },
        },
      ],
      users: [
        {
          name: user,
          user: {
            "client-certificate-data": base64(certificateFile(user)),
            "client-key-data": base64(keyFile(user)),
          },
        },
      ],
      contexts: [{ name: "pyairtable-local", context: { cluster: "pyairtable-local", user } }],
    };
    fs.writeFileSync(kubeconfigFile(user), stringify(kubeconfig), { mode: 0o600 });
  }
}
