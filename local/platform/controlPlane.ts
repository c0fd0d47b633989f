import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../../tools/acquire";
import { stateDir } from "../paths";
import ports from "../ports.json";
import { certificateFile, keyFile } from "./certificates";
import { expectOk } from "./http";
import { apiserverUrl, kubeconfigFile } from "./kubeconfigs";
import { podCidr, serviceCidr } from "./network";
import type { Part } from "./processes";

export function etcd(tools: Toolbox): Part {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  const dataDir = path.join(stateDir, "etcd");
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return {
    name: "etcd",
    command: [
      tools.path("etcd"),
      `--data-dir=${dataDir}`,
      // The cluster is thrown away with the machine's state: durability would only cost time.
      "--unsafe-no-fsync",
      "--log-level=warn",
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ],
    ready: () => expectOk(`${client}/health`),
  };
}

export function apiserver(tools: Toolbox): Part {
  return {
    name: "kube-apiserver",
    command: [
      tools.path("kube-apiserver"),
      "--bind-address=127.0.0.1",
      `--secure-port=${ports.apiserver}`,
      // An EndpointSlice can't hold the loopback address that it listens on, and no pod needs it.
      "--endpoint-reconciler-type=none",
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      `--service-cluster-ip-range=${serviceCidr}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--anonymous-auth=false",
      `--client-ca-file=${certificateFile("ca")}`,
      `--tls-cert-file=${certificateFile("apiserver")}`,
      `--tls-private-key-file=${keyFile("apiserver")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${keyFile("service-account")}`,
      `--service-account-signing-key-file=${keyFile("service-account")}`,
      `--kubelet-certificate-authority=${certificateFile("ca")}`,
      `--kubelet-client-certificate=${certificateFile("kubelet-client")}`,
      `--kubelet-client-key=${keyFile("kubelet-client")}`,
      "--kubelet-preferred-address-types=Hostname",
    ],
    configFiles: [certificateFile("ca")],
    ready: () => expectOk(`${apiserverUrl}/readyz`, { as: "admin" }),
  };
}

export function controllerManager(tools: Toolbox): Part {
  const kubeconfig = kubeconfigFile("controller-manager");
  return {
    name: "kube-controller-manager",
    command: [
      tools.path("kube-controller-manager"),
      "--bind-address=127.0.0.1",
      `--secure-port=${ports.controllerManager}`,
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--use-service-account-credentials=true",
      `--cluster-cidr=${podCidr}`,
      `--service-cluster-ip-range=${serviceCidr}`,
      `--root-ca-file=${certificateFile("ca")}`,
      `--service-account-private-key-file=${keyFile("service-account")}`,
    ],
    configFiles: [kubeconfig],
    ready: () => expectOk(`https://127.0.0.1:${ports.controllerManager}/healthz`),
  };
}

export function scheduler(tools: Toolbox): Part {
  const kubeconfig = kubeconfigFile("scheduler");
  return {
    name: "kube-scheduler",
    command: [
      tools.path("kube-scheduler"),
      "--bind-address=127.0.0.1",
      `--secure-port=${ports.scheduler}`,
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
    ],
    configFiles: [kubeconfig],
    ready: () => expectOk(`https://127.0.0.1:${ports.scheduler}/healthz`),
  };
}
