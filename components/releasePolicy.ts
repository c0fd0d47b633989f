import type { types } from "@pulumi/kubernetes";
import { clusterDns, publicHttps } from "./egress";

type Peer = types.input.networking.v1.NetworkPolicyPeer;

/** Who a release talks with, wherever it runs. */
export interface ReleasePeers {
  /** The data plane: it calls a release, and a release reaches other targets through it. */
  readonly gateway: readonly Peer[];
  /** IPv4 ranges that the API server's calls come from: smoke checks reach a colour through it. */
  readonly controlPlaneCidrs: readonly string[];
  /** IPv4 address of the monorepo, whose databases and queues a release still uses. */
  readonly legacyHost: string;
}

export interface ReleasePolicyArgs {
  readonly podLabels: Readonly<Record<string, string>>;
  /** Whether it calls an API outside: HTTPS to public addresses. */
  readonly callsInternet: boolean;
  readonly peers: ReleasePeers;
}

/** What may reach a release and what it may reach; everything else is denied. */
export function releasePolicy({
  podLabels,
  callsInternet,
  peers,
}: ReleasePolicyArgs): types.input.networking.v1.NetworkPolicySpec {
  const controlPlane = peers.controlPlaneCidrs.map((cidr): Peer => ({ ipBlock: { cidr } }));
  return {
    podSelector: { matchLabels: podLabels },
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ from: [...peers.gateway, ...controlPlane], ports: [{ port: "http" }] }],
    egress: [
      { to: [...peers.gateway] },
      { to: [{ ipBlock: { cidr: `${peers.legacyHost}/32` } }] },
      clusterDns,
      ...(callsInternet ? [publicHttps] : []),
    ],
  };
}
