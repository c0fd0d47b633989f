import assert from "node:assert/strict";
import { isIPv4, BlockList } from "node:net";
import { z } from "zod";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../../catalog";
import { type ReleasePeers, type ReleasePolicyArgs, releasePolicy } from "../../../components/releasePolicy";

const peers: ReleasePeers = {
  gateway: [namespaceOf("projectcontour")],
  gatewayPort: 8080,
  controlPlaneCidrs: ["10.0.0.0/20"],
  legacyHost: "10.1.2.3",
};

function namespaceOf(name: string): ReleasePeers["gateway"][number] {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}

/** A peer is an address outside the cluster, or the namespace of a pod. */
type Peer = { readonly address: string } | { readonly namespace: string };

const gateway: Peer = { namespace: "projectcontour" };
const controlPlane: Peer = { address: "10.0.0.9" };
const monorepo: Peer = { address: "10.1.2.3" };
const dns: Peer = { namespace: "kube-system" };
const otherRelease: Peer = { namespace: "pyairtable" };
const internet: Peer = { address: "93.184.216.34" };
const credentials: Peer = { address: "169.254.169.254" };
const neighbour: Peer = { address: "10.1.2.4" };

/** Every peer and port that a release might be tempted to call. */
const destinations: readonly (readonly [Peer, number | string])[] = [
  [gateway, 8080],
  [gateway, 9001],
  [monorepo, 5432],
  [monorepo, 6379],
  [monorepo, 22],
  ...routedTargets.map((target) => [monorepo, catalogEntry(target).legacyPort] as const),
  [dns, 53],
  [dns, 443],
  [otherRelease, 9898],
  [internet, 443],
  [internet, 80],
  [credentials, 80],
  [credentials, 443],
  [neighbour, 443],
  [controlPlane, 443],
];

/*
 * The local network enforces no policy. What a policy admits is evaluated here instead, by the words of the Kubernetes
 * API: the union of its rules, and nothing where none applies.
 */
describe("a release's network policy", () => {
  it("lets the data plane and the API server's calls in, at the serving port only", () => {
    for (const target of routedTargets) {
      const admits = (peer: Peer, port: string): boolean => admitted(target, "ingress", peer, port);
      assert(admits(gateway, "http") && admits(controlPlane, "http"));
      assert(!admits(gateway, "metrics") && !admits(controlPlane, "metrics"));
      for (const peer of [otherRelease, dns, monorepo, internet, neighbour]) assert(!admits(peer, "http"));
    }
  });

  it("lets those in that ask for its health, where they are watched", () => {
    const monitoring: Peer = { namespace: "monitoring" };
    const probes = [namespaceOf("monitoring")];
    for (const target of routedTargets) {
      assert(!admitted(target, "ingress", monitoring, "http"));
      assert(admitted(target, "ingress", monitoring, "http", { ...peers, probes }));
      assert(!admitted(target, "ingress", monitoring, "metrics", { ...peers, probes }));
    }
  });

  it("lets nobody but the data plane in where the control plane has no known range", () => {
    const closed = { ...peers, controlPlaneCidrs: [] };
    assert(!admitted("docs", "ingress", controlPlane, "http", closed));
    assert(admitted("docs", "ingress", gateway, "http", closed));
  });

  const lookUp: [Peer, number] = [dns, 53];
  const throughGateway: [Peer, number] = [gateway, 8080];
  const expected: Readonly<Record<RoutedTargetName, readonly [Peer, number][]>> = {
    frontend: [throughGateway, lookUp],
    "api-gateway": [throughGateway, [monorepo, 6379], lookUp],
    "auth-service": [[monorepo, 5432], [monorepo, 6379], lookUp],
    "llm-orchestrator": [throughGateway, [monorepo, 5432], [monorepo, 6379], lookUp, [internet, 443]],
    "mcp-server": [throughGateway, lookUp],
    "airtable-gateway": [[monorepo, 6379], lookUp, [internet, 443]],
    automation: [throughGateway, [monorepo, 5432], [monorepo, 6379], lookUp],
    docs: [lookUp],
  };
  for (const target of routedTargets) {
    it(`lets ${target} reach what the catalog declares and nothing else`, () => {
      const reached = destinations.filter(([peer, port]) => admitted(target, "egress", peer, port));
      assert.deepEqual(reached, expected[target]);
    });
  }

  it("lets a target with a database of its own reach that, and not the monorepo's", () => {
    const database = [{ ipBlock: { cidr: "10.7.0.0/24" } }];
    const own: Peer = { address: "10.7.0.9" };
    const reaches = (peer: Peer, port: number): boolean =>
      admitted("auth-service", "egress", peer, port, peers, database);
    assert(reaches(own, 5432) && reaches(monorepo, 6379));
    assert(!reaches(monorepo, 5432) && !reaches(own, 6379) && !reaches(own, 22));
  });

  it("lets nobody reach the monorepo's services past the gateway", () => {
    for (const target of routedTargets) {
      for (const called of routedTargets) {
        assert(!admitted(target, "egress", monorepo, catalogEntry(called).legacyPort));
      }
    }
  });
});

const peerSchema = z.union([
  z.strictObject({
    ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).default([]) }),
  }),
  z.strictObject({
    namespaceSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
  }),
]);
const portsSchema = z
  .array(z.strictObject({ port: z.union([z.int(), z.string()]), protocol: z.string().default("TCP") }))
  .optional();
const policySchema = z.object({
  policyTypes: z.tuple([z.literal("Ingress"), z.literal("Egress")]),
  ingress: z.array(z.strictObject({ from: z.array(peerSchema), ports: portsSchema })),
  egress: z.array(z.strictObject({ to: z.array(peerSchema), ports: portsSchema })),
});

function admitted(
  target: RoutedTargetName,
  direction: "ingress" | "egress",
  peer: Peer,
  port: number | string,
  all = peers,
  database?: ReleasePolicyArgs["database"],
): boolean {
  const policy = policySchema.parse(
    releasePolicy({
      podLabels: { app: "it" },
      target: catalogEntry(target),
      peers: all,
      ...(database && { database }),
    }),
  );
  const rules =
    direction === "ingress"
      ? policy.ingress.map(({ from, ports }) => ({ with: from, ports }))
      : policy.egress.map(({ to, ports }) => ({ with: to, ports }));
  return rules.some(
    (rule) =>
      // An empty list of peers would admit all of them.
      (rule.with.length === 0 || rule.with.some((each) => covers(each, peer))) &&
      (rule.ports?.some((each) => each.port === port) ?? true),
  );
}

function covers(rule: z.infer<typeof peerSchema>, peer: Peer): boolean {
  if ("namespaceSelector" in rule) {
    const labels = { "kubernetes.io/metadata.name": "namespace" in peer ? peer.namespace : undefined };
    return Object.entries(rule.namespaceSelector.matchLabels).every(
      ([key, value]) => key === "kubernetes.io/metadata.name" && labels[key] === value,
    );
  }
  if (!("address" in peer)) return false;
  const { cidr, except } = rule.ipBlock;
  return isIn(peer.address, cidr) && !except.some((each) => isIn(peer.address, each));
}

function isIn(address: string, cidr: string): boolean {
  const [network = "", bits] = cidr.split("/");
  assert(isIPv4(network));
  const list = new BlockList();
  list.addSubnet(network, Number(bits));
  return list.check(address);
}
