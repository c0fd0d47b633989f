import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTarget } from "../catalog";
import { BACKENDS, type Backend, type Split, splitHash } from "../migration";
import { type KubeApi, ask } from "./kubeApi";
import { reason } from "./thrown";
import { backendHeader, hostnameOf, routeHeader } from "./names";
import { type Proxies, proxyReplicas } from "./proof";

export interface HealthCheckArgs {
  readonly target: RoutedTarget;
  /** What the answers must be routed by. */
  readonly split: Split;
  readonly domain: string;
  readonly proxies: Proxies;
  /** How long a backend may take to answer as expected. @default 5 */
  readonly withinSeconds?: number;
}

const millisecondsBetween = 200;

/**
 * Asks a target as users do, through every replica of the proxy: each backend that has traffic must answer its readiness
 * path itself. @returns who did @throws Error naming each that didn't, and what was found instead
 */
export async function checkHealth(
  api: KubeApi,
  { target, split, domain, proxies, withinSeconds = 5 }: HealthCheckArgs,
): Promise<string> {
  const deadline = Date.now() + withinSeconds * 1000;
  const replicas = await proxyReplicas(api, proxies);
  const backends = BACKENDS.filter((backend) => split[backend] > 0);
  const { path } = target.probes.readiness;
  const host = hostnameOf(target.name, domain);
  const results = await Promise.all(
    replicas.flatMap((replica) =>
      backends.map((backend) => {
        const expected = { backend, hash: splitHash(target.name, split) };
        return untilHealthy(new URL(path, `http://${replica}`), host, expected, deadline);
      }),
    ),
  );
  const problems = results.filter((result) => result !== undefined);
  if (replicas.length === 0) problems.push("found no replica of the proxy");
  if (problems.length > 0) throw new Error(`${target.name} isn't healthy: ${problems.join("; ")}`);
  return `${backends.join(" and ")} ${backends.length === 1 ? "answers" : "answer"} ${path} through the gateway`;
}

interface Expected {
  readonly backend: Backend;
  readonly hash: string;
}

/** @returns what is wrong, or undefined */
async function untilHealthy(
  url: URL,
  host: string,
  expected: Expected,
  deadline: number,
): Promise<string | undefined> {
  for (;;) {
    const problem = await problemOf(url, host, expected).catch(reason);
    if (problem === undefined) return undefined;
    if (Date.now() > deadline) return `${url.host} for ${expected.backend}: ${problem}`;
    await sleep(millisecondsBetween);
  }
}

async function problemOf(url: URL, host: string, { backend, hash }: Expected): Promise<string | undefined> {
  // The route's own rule for this header leads to the backend whatever its weight.
  const { status, headers } = await ask(url, {
    headers: { host, [backendHeader]: backend },
    timeoutSeconds: 2,
  });
  const found = `status ${status} from ${text(headers[backendHeader])}, ${routeHeader}: ${text(headers[routeHeader])}`;
  const isExpected = status < 400 && headers[backendHeader] === backend && headers[routeHeader] === hash;
  return isExpected
    ? undefined
    : `found ${found}, expected 200 to 399 from ${backend}, ${routeHeader}: ${hash}`;
}

function text(header: string | readonly string[] | undefined): string {
  return header === undefined ? "nobody" : String(header);
}
