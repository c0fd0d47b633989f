import type { types } from "@pulumi/kubernetes";
import { type RoutedTarget, storePorts } from "../catalog";
import { clusterDns, publicHttps } from "./egress";

type Peer = types.input.networking.v1.NetworkPolicyPeer;

/** Who a release talks with, wherever it runs. */
export interface ReleasePeers {
  /** The data plane: it calls a release, and a release reaches other targets through it. */
  readonly gateway: readonly Peer[];
  /** The port that the data plane's own pods or processes listen on: policies see no Service. */
  readonly gatewayPort: number;
  /** IPv4 ranges that the API server's calls come from: smoke checks reach a colour through it. */
  readonly controlPlaneCidrs: readonly string[];
  /** Who asks a release for its health. @default nobody besides */
  readonly probes?: readonly Peer[];
  /** IPv4 address of the monorepo's machine, whose databases and queues a release still uses. */
  readonly legacyHost: string;
}

export interface ReleasePolicyArgs {
  readonly podLabels: Readonly<Record<string, string>>;
  /** What the catalog declares that it reaches. */
  readonly target: Pick<RoutedTarget, "dependencies" | "stores" | "callsInternet">;
  readonly peers: ReleasePeers;
  /** Where its database is. @default what it keeps in PostgreSQL, it keeps in the monorepo's */
  readonly database?: readonly Peer[];
}

/** What may reach a release and what it may reach; everything else is denied. */
export function releasePolicy({
  podLabels,
  target: { dependencies, stores, callsInternet },
  peers,
  database,
}: ReleasePolicyArgs): types.input.networking.v1.NetworkPolicySpec {
  const ofMonorepo = database === undefined ? stores : stores.filter((store) => store !== "postgresql");
  const controlPlane = peers.controlPlaneCidrs.map((cidr): Peer => ({ ipBlock: { cidr } }));
  return {
    podSelector: { matchLabels: podLabels },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      { from: [...peers.gateway, ...controlPlane, ...(peers.probes ?? [])], ports: [{ port: "http" }] },
    ],
    egress: [
      ...(dependencies.length > 0 ? [{ to: [...peers.gateway], ports: [{ port: peers.gatewayPort }] }] : []),
      ...(database === undefined ? [] : [{ to: [...database], ports: [{ port: storePorts.postgresql }] }]),
      ...(ofMonorepo.length > 0
        ? [
            {
              to: [{ ipBlock: { cidr: `${peers.legacyHost}/32` } }],
              ports: ofMonorepo.map((store) => ({ port: storePorts[store] })),
            },
          ]
        : []),
      clusterDns,
      ...(callsInternet ? [publicHttps] : []),
    ],
  };
}
