import { setTimeout as sleep } from "node:timers/promises";
import { type RoutedTarget, type RoutedTargetName, catalogEntry } from "../catalog";
import { ask } from "../cluster/kubeApi";
import { reason } from "../cluster/thrown";
import { type Containers, type Monorepo, findContainers } from "./containers";
import { Daemon } from "./daemon";

export interface StartOptions {
  readonly monorepo: Monorepo;
  /** IPv4 address where the containers answer. */
  readonly legacyHost: string;
  readonly targets: readonly RoutedTargetName[];
  /** How long all of them together have, from the call until they answer. */
  readonly withinSeconds: number;
  /** Called for each target as soon as it is known. */
  readonly onResult?: (result: StartResult) => void;
  readonly signal?: AbortSignal;
}

/** How it went with one target: it answers its readiness path, or what is wrong. */
export interface StartResult {
  readonly target: RoutedTargetName;
  /** The container's name. */
  readonly container: string;
  readonly outcome: "started" | "already running" | "failed";
  /** From the call. */
  readonly seconds: number;
  /** With `failed`: what was found. */
  readonly problem?: string;
}

const secondsBetween = 0.25;
const askTimeoutSeconds = 5;

/**
 * Starts the monorepo's containers of `targets` that are stopped, all at once, and waits until each answers its
 * readiness path. What runs is left alone. One target's failure stops no other; the results are in the order of
 * `targets`.
 * @throws DaemonError when the daemon can't be reached: then nothing was started
 */
export async function startAll(options: StartOptions): Promise<readonly StartResult[]> {
  const startedAt = performance.now();
  const containers = await findContainers(options.monorepo);
  return Promise.all(
    options.targets.map(async (target) => {
      const outcome = await startOne(target, containers, startedAt, options);
      const seconds = (performance.now() - startedAt) / 1000;
      const result = { target, container: options.monorepo.containers[target], seconds, ...outcome };
      options.onResult?.(result);
      return result;
    }),
  );
}

/**
 * Starts the container of one target, unless it is ready as it is: then its daemon isn't asked.
 * @throws DaemonError, or Error with what was found instead of a ready container
 */
export async function ensureStarted(
  target: RoutedTargetName,
  monorepo: Monorepo,
  { legacyHost, readyWithinSeconds }: { readonly legacyHost: string; readonly readyWithinSeconds: number },
): Promise<void> {
  if ((await unreadiness(catalogEntry(target), legacyHost)) === undefined) return;
  const withinSeconds = readyWithinSeconds;
  const [result] = await startAll({ monorepo, legacyHost, targets: [target], withinSeconds });
  if (result?.problem === undefined) return;
  throw new Error(`pyairtable:${target}: the monorepo's container can't be started: ${result.problem}`);
}

type Outcome = Pick<StartResult, "outcome" | "problem">;

async function startOne(
  name: RoutedTargetName,
  containers: Containers,
  startedAt: number,
  { monorepo, legacyHost, withinSeconds, signal }: StartOptions,
): Promise<Outcome> {
  const container = containers.get(name);
  if (container === undefined) {
    const problem = `found no container ${monorepo.containers[name]} in the compose project ${monorepo.project}`;
    return { outcome: "failed", problem };
  }
  const runs = container.state === "running";
  try {
    if (!runs) await new Daemon(monorepo.daemon).start(container);
    const deadline = startedAt + withinSeconds * 1000;
    const problem = await becomesReady(catalogEntry(name), legacyHost, deadline, signal);
    if (problem !== undefined) {
      return { outcome: "failed", problem: `not ready within ${withinSeconds} s: ${problem}` };
    }
    return { outcome: runs ? "already running" : "started" };
  } catch (error) {
    signal?.throwIfAborted();
    return { outcome: "failed", problem: reason(error) };
  }
}

/** @returns what was found last, or undefined once it is ready */
async function becomesReady(
  target: RoutedTarget,
  legacyHost: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  for (;;) {
    const problem = await unreadiness(target, legacyHost);
    if (problem === undefined || performance.now() >= deadline) return problem;
    await sleep(secondsBetween * 1000, undefined, signal && { signal });
  }
}

/** @returns why the target's legacy isn't ready, or undefined if it is */
export async function unreadiness(target: RoutedTarget, legacyHost: string): Promise<string | undefined> {
  const { path } = target.probes.readiness;
  const url = new URL(path, `http://${legacyHost}:${target.legacyPort}`);
  try {
    const { status } = await ask(url, { timeoutSeconds: askTimeoutSeconds });
    return status >= 200 && status < 400 ? undefined : `${url.href} answers with ${status}`;
  } catch (error) {
    return `${url.href}: ${reason(error)}`;
  }
}
