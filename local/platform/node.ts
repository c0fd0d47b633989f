import fs from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import type { Toolbox } from "../../tools/acquire";
import { containerdSocket, runDir, stateDir } from "../paths";
import ports from "../ports.json";
import { certificateFile, keyFile } from "./certificates";
import { expectOk } from "./http";
import { pauseImage } from "./images";
import { kubeconfigFile } from "./kubeconfigs";
import { clusterDomain } from "./dns";
import { bridge, hostAddress, nodePodCidr, podCidr } from "./network";
import type { Part } from "./processes";
import { run } from "../../tools/child";

/** Resolves on this machine without DNS, so that logs, exec and probes through the API server reach the kubelet. */
export const nodeName = "localhost";
/** Pods' cgroups live below it, so that stopping can tell them from anybody else's. */
export const cgroupRoot = "/pyairtable-local";

const configDir = path.join(stateDir, "config");
const kubeletDir = path.join(stateDir, "kubelet");

export function containerd(tools: Toolbox): Part {
  const cniConfigDir = path.join(configDir, "cni");
  writeConfig(
    path.join(cniConfigDir, "10-pyairtable.conflist"),
    JSON.stringify({
      cniVersion: "1.0.0",
      name: "pyairtable",
      plugins: [
        {
          type: "bridge",
          bridge,
          isGateway: true,
          ipMasq: false,
          hairpinMode: true,
          ipam: {
            type: "host-local",
            dataDir: path.join(stateDir, "cni"),
            ranges: [[{ subnet: nodePodCidr, rangeStart: "198.18.0.10" }]],
            routes: [{ dst: "0.0.0.0/0" }],
          },
        },
      ],
    }),
  );
  const configFile = writeConfig(
    path.join(configDir, "containerd.toml"),
    `version = 2
root = "${path.join(stateDir, "containerd")}"
state = "${path.join(runDir, "containerd")}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${path.join(stateDir, "opt")}"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE a sandbox with a negative score never starts.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${tools.cniPluginDir}"
  conf_dir = "${cniConfigDir}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = "${tools.path("runc")}"
  SystemdCgroup = false
`,
  );
  return {
    name: "containerd",
    command: [tools.path("containerd"), "--config", configFile],
    // It looks for its shim on PATH.
    environment: {
      PATH: `${path.dirname(tools.path("containerd-shim-runc-v2"))}:/usr/sbin:/usr/bin:/sbin:/bin`,
    },
    configFiles: [configFile],
    ready: async () => {
      await run(tools.path("ctr"), ["--address", containerdSocket, "version"]);
    },
  };
}

export function kubelet(tools: Toolbox): Part {
  const configFile = writeConfig(
    path.join(configDir, "kubelet.yaml"),
    stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      address: "127.0.0.1",
      port: ports.kubelet,
      healthzBindAddress: "127.0.0.1",
      healthzPort: ports.kubeletHealth,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: false },
        x509: { clientCAFile: certificateFile("ca") },
      },
      authorization: { mode: "AlwaysAllow" },
      tlsCertFile: certificateFile("kubelet"),
      tlsPrivateKeyFile: keyFile("kubelet"),
      containerRuntimeEndpoint: `unix://${containerdSocket}`,
      clusterDNS: [hostAddress],
      clusterDomain,
      cgroupDriver: "cgroupfs",
      cgroupRoot,
      failCgroupV1: false,
      enforceNodeAllocatable: [],
      failSwapOn: false,
      podLogsDir: path.join(stateDir, "pods-log"),
      volumePluginDir: path.join(stateDir, "volume-plugins"),
      resolvConf: "/etc/resolv.conf",
      imageGCHighThresholdPercent: 100,
      evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
      syncFrequency: "10s",
      registryPullQPS: 0,
      kubeAPIQPS: 200,
      kubeAPIBurst: 400,
    }),
  );
  return {
    name: "kubelet",
    command: [
      tools.path("kubelet"),
      `--config=${configFile}`,
      `--kubeconfig=${kubeconfigFile("kubelet")}`,
      `--root-dir=${kubeletDir}`,
      `--hostname-override=${nodeName}`,
    ],
    configFiles: [configFile, kubeconfigFile("kubelet")],
    ready: () => expectOk(`http://127.0.0.1:${ports.kubeletHealth}/healthz`),
  };
}

export function kubeProxy(tools: Toolbox): Part {
  return {
    name: "kube-proxy",
    command: [
      tools.path("kube-proxy"),
      "--proxy-mode=iptables",
      `--kubeconfig=${kubeconfigFile("kube-proxy")}`,
      `--hostname-override=${nodeName}`,
      `--cluster-cidr=${podCidr}`,
      "--conntrack-max-per-core=0",
      "--iptables-min-sync-period=100ms",
      `--healthz-bind-address=127.0.0.1:${ports.kubeProxyHealth}`,
      `--metrics-bind-address=127.0.0.1:${ports.kubeProxyMetrics}`,
    ],
    configFiles: [kubeconfigFile("kube-proxy")],
    ready: () => expectOk(`http://127.0.0.1:${ports.kubeProxyHealth}/healthz`),
  };
}

function writeConfig(file: string, content: string): string {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}
