import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { routeHeader } from "./names";
import { type KubeApi, ask } from "./kubeApi";
import { reason } from "./thrown";

/** Where the replicas of the proxy are: a fixed list of `host:port`, or a Service to look them up. */
export type Proxies = readonly string[] | { readonly service: string; readonly port: number };

export interface ProofArgs {
  readonly proxies: Proxies;
  /** The target's host name, as users send it. */
  readonly hostname: string;
  /** The hash that every replica must answer with. */
  readonly routeHash: string;
  /** @default 20 */
  readonly withinSeconds?: number;
}

const millisecondsBetween = 20;

/**
 * Proves that the data plane serves a split: asks every replica of the proxy until it answers with the split's
 * hash. @throws Error naming each replica that didn't, and what it answered instead
 */
export async function proveSplit(api: KubeApi, { withinSeconds = 20, ...args }: ProofArgs): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1000;
  const replicas = await proxyReplicas(api, args.proxies);
  if (replicas.length === 0) {
    throw new Error(
      `${args.hostname}: found no replica of the proxy, expected at least one to prove the split`,
    );
  }
  const results = await Promise.all(replicas.map((replica) => proveReplica(replica, args, deadline)));
  const failures = results.filter((result) => result !== undefined);
  if (failures.length > 0) {
    throw new Error(
      `${args.hostname}: the new split is not proven within ${withinSeconds} s; nothing was scaled down. The route is written and this update can be repeated.\n${failures.map((line) => `  ${line}`).join("\n")}`,
    );
  }
}

/** @returns what it answers instead, or undefined */
async function proveReplica(
  replica: string,
  { hostname, routeHash }: Pick<ProofArgs, "hostname" | "routeHash">,
  deadline: number,
): Promise<string | undefined> {
  let found = "";
  for (;;) {
    try {
      const answer = await ask(new URL(`http://${replica}/`), {
        // The probe must not reach a backend more often than it needs to.
        method: "GET",
        headers: { host: hostname },
        timeoutSeconds: 2,
      });
      const hash = answer.headers[routeHeader];
      if (hash === routeHash) return undefined;
      found = `${routeHeader}: ${hash === undefined ? "none" : String(hash)} (status ${answer.status})`;
    } catch (error) {
      found = reason(error);
    }
    if (Date.now() > deadline) return `${replica}: found ${found}, expected ${routeHeader}: ${routeHash}`;
    await sleep(millisecondsBetween);
  }
}

const endpointSlices = z.object({
  items: z.array(
    z.object({
      endpoints: z
        .array(
          z.object({
            addresses: z.array(z.string()),
            conditions: z.object({ ready: z.boolean().optional() }),
          }),
        )
        .nullish(),
    }),
  ),
});

/** The replicas of the proxy that are ready: `host:port` each. */
export async function proxyReplicas(api: KubeApi, proxies: Proxies): Promise<readonly string[]> {
  if (!("service" in proxies)) return proxies;
  const [namespace, service] = proxies.service.split("/");
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service ?? ""}`);
  const answer = await api.ask(
    `/apis/discovery.k8s.io/v1/namespaces/${namespace ?? ""}/endpointslices?labelSelector=${selector}`,
  );
  if (answer.status !== 200) {
    throw new Error(`found status ${answer.status} for the endpoints of ${proxies.service}, expected 200`);
  }
  return endpointSlices
    .parse(JSON.parse(answer.body))
    .items.flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions.ready !== false)
    .flatMap(({ addresses }) => addresses.map((address) => `${address}:${proxies.port}`));
}
