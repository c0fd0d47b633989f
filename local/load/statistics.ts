import { hasFailed, receivedAt } from "./shot";
import type { Backend } from "../../migration";
import type { PerBackend, Shot } from "./shot";

/** What the load saw during one step. */
export interface ShotSummary {
  readonly requests: number;
  readonly failed: number;
  /** Answers that did not fail, per backend. */
  readonly answers: PerBackend;
  /** The same in percent of all answers that did not fail; all 0 when there was none. */
  readonly split: PerBackend;
  /** Of answers that did not fail; undefined when there was none. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | undefined;
}

/** Sums up shots; filter them first for one target, or for one split by their `routeHash`. */
export function summarise(shots: readonly Shot[]): ShotSummary {
  const good = shots.filter((shot) => !hasFailed(shot));
  const answers = perBackend((backend) => good.filter((shot) => shot.backend === backend).length);
  const latencies = good.map((shot) => shot.latencyMs).sort((a, b) => a - b);
  const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
  return {
    requests: shots.length,
    failed: shots.length - good.length,
    answers,
    split: perBackend((backend) => (good.length === 0 ? 0 : (100 * answers[backend]) / good.length)),
    latencyMs: p50 === undefined || p99 === undefined ? undefined : { p50, p99 },
  };
}

/** Milliseconds from `since` (epoch ms) to the backend's last answer after it; undefined when there was none. */
export function lastAnswerAfter(shots: readonly Shot[], backend: Backend, since: number): number | undefined {
  const last = shots
    .filter((shot) => shot.backend === backend)
    .reduce((latest, shot) => Math.max(latest, receivedAt(shot)), -Infinity);
  return last > since ? last - since : undefined;
}

/** The smallest of ascending values that at least `percent` (0 to 100) of them don't exceed. */
export function percentile(ascending: readonly number[], percent: number): number | undefined {
  return ascending[Math.max(0, Math.ceil((percent / 100) * ascending.length) - 1)];
}

/**
 * The counts between which a binomial count of `n` tries at probability `p` lies with at least `confidence`, both
 * inclusive, with no more than half of the rest on either side. Exact: no normal approximation.
 */
export function binomialInterval(
  n: number,
  p: number,
  confidence: number,
): { readonly low: number; readonly high: number } {
  if (p === 0) return { low: 0, high: 0 };
  if (p === 1) return { low: n, high: n };
  const { first, weights, total } = binomialWeights(n, p);
  const tail = (total * (1 - confidence)) / 2;
  const low = first + countWithin(weights, tail);
  const high = first + weights.length - 1 - countWithin(weights.toReversed(), tail);
  return { low, high };
}

/** The distribution's shape around its mode, where it isn't too small to matter, and its sum. */
function binomialWeights(n: number, p: number): { first: number; weights: number[]; total: number } {
  const negligible = 1e-30;
  const odds = p / (1 - p);
  const mode = Math.min(n, Math.floor((n + 1) * p));
  // From one count to the next by the ratio of their probabilities: no factorial, nothing to overflow.
  const below: number[] = [];
  for (let k = mode, weight = 1; k > 0 && weight > negligible; k--) {
    weight *= k / ((n - k + 1) * odds);
    below.push(weight);
  }
  const above: number[] = [];
  for (let k = mode, weight = 1; k < n && weight > negligible; k++) {
    weight *= ((n - k) * odds) / (k + 1);
    above.push(weight);
  }
  const weights = [...below.toReversed(), 1, ...above];
  return { first: mode - below.length, weights, total: weights.reduce((sum, weight) => sum + weight, 0) };
}

/** How many values from the start add up to no more than `limit`. */
function countWithin(values: readonly number[], limit: number): number {
  let sum = 0;
  const end = values.findIndex((value) => (sum += value) > limit);
  return end === -1 ? values.length : end;
}

function perBackend(figure: (backend: Backend) => number): PerBackend {
  const [legacy, blue, green] = [figure("legacy"), figure("blue"), figure("green")];
  return { legacy, blue, green };
}
