import { once } from "node:events";
import { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import { KubeApi, ask } from "../cluster/kubeApi";
import { backendName } from "../cluster/names";
import type { Color } from "../migration";
import type { Toolbox } from "../tools/acquire";
import { LocalGuard } from "./guard";
import { injectAll } from "./inject";
import { type Shot, hasFailed, receivedAt } from "./load/shot";
import type { LocalStack } from "./localStack";
import { prometheusUrl } from "./platform/prometheus";

/** What became of a candidate that began to fail while nobody looked. In milliseconds since it did. */
export interface UnaskedRollback {
  /** A trigger of the plan was true. */
  readonly triggerTrueMs: number;
  /** Its alert fired. */
  readonly alertFiredMs: number;
  /** The candidate's last answer. */
  readonly trafficBackMs: number;
  /** Route, git and state said the same again. */
  readonly agreedMs: number;
  /** Requests that were lost until traffic was back, and after. */
  readonly failedBefore: number;
  readonly failedAfter: number;
}

export interface UnaskedRollbackOptions {
  readonly tools: Toolbox;
  readonly stack: LocalStack;
  readonly target: RoutedTargetName;
  /** Has all of the target's traffic. */
  readonly candidate: Color;
  /** The load, as it goes on. */
  readonly shots: readonly Shot[];
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Longer than any trigger but failing health takes. */
const patienceMs = 180_000;

/** Starts the guard, lets the candidate fail every second request, and waits until all is well again. */
export async function unaskedRollback(options: UnaskedRollbackOptions): Promise<UnaskedRollback> {
  const { tools, stack, target, candidate, note, shots } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(patienceMs)]);
  const api = await KubeApi.connect();
  const release = backendName(target, candidate);
  const guard = await LocalGuard.start(tools, { stackFile: stack.stackFile, prometheus: prometheusUrl });
  try {
    await guard.ready(signal);
    await injectAll(api, release, { errorEvery: { fail: 1, of: 2 } });
    const began = Date.now();
    note(`${release} fails every second request from now on, and nobody looks`);
    const recorded = await unlessAborted(
      guard.says(/^recorded:/, ({ targets }) => Array.isArray(targets) && targets.includes(target)),
      signal,
    );
    const { trueAt, firedAt } = await alertTimes(target, candidate, began);
    const own = shots.filter((shot) => shot.target === target && receivedAt(shot) > began);
    const backAt = Math.max(
      ...own.filter(({ backend }) => backend === candidate).map((shot) => receivedAt(shot)),
    );
    const lost = own.filter(hasFailed);
    const failedAfter = lost.filter(({ sentAt }) => sentAt > backAt).length;
    return {
      triggerTrueMs: trueAt - began,
      alertFiredMs: firedAt - began,
      trafficBackMs: backAt - began,
      agreedMs: Date.parse(recorded.time) - began,
      failedBefore: lost.length - failedAfter,
      failedAfter,
    };
  } finally {
    await guard.stop();
    await injectAll(api, release, {});
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  await Promise.race([work, once(signal, "abort")]);
  signal.throwIfAborted();
  return work;
}

const alertsSchema = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.object({ alertname: z.string(), alertstate: z.string() }),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

/** When the first of the plan's triggers was true, and when its alert fired, as Prometheus recorded it. */
async function alertTimes(
  target: RoutedTargetName,
  candidate: Color,
  since: number,
): Promise<{ readonly trueAt: number; readonly firedAt: number }> {
  const query = `ALERTS{target="${target}", backend="${candidate}", action="rollback"}[10m]`;
  const { body } = await ask(new URL(`/api/v1/query?query=${encodeURIComponent(query)}`, prometheusUrl));
  const states = alertsSchema
    .parse(JSON.parse(body))
    .data.result.flatMap(({ metric, values }) =>
      values.map(([seconds]) => ({ ...metric, at: seconds * 1000 })).filter(({ at }) => at >= since),
    );
  const [fired] = states
    .filter(({ alertstate }) => alertstate === "firing")
    .sort((one, other) => one.at - other.at);
  if (fired === undefined)
    throw new Error(`Prometheus: found no alert that fired for ${target}, expected one`);
  const same = states.filter(({ alertname }) => alertname === fired.alertname);
  return { trueAt: Math.min(...same.map(({ at }) => at)), firedAt: fired.at };
}
