import { setTimeout as sleep } from "node:timers/promises";
import { activeAlerts } from "../../guard/prometheus";
import { hasFailed } from "../../local/load/shot";
import { lastAnswerAfter } from "../../local/load/statistics";
import { prometheusUrl } from "../../local/platform/prometheus";
import { type UnaskedRollback, unaskedRollback } from "../../local/unaskedRollback";
import type { Figure, Sample } from "../figure";
import { acquireFlagger } from "../flagger/acquire";
import { FlaggerCanary } from "../flagger/canary";
import { isSeenFailing, seenFailingAt } from "../flagger/metrics";
import { ratePerSecond, shotsDuring } from "../load";
import { ALL_BLUE, type World, target } from "../world";

/** Longer than errors count after the last one. */
const quietWithinMs = 180_000;
/** Between two of Flagger's looks: when the candidate begins to fail mustn't depend on them. */
const lookMs = 10_000;

/** The whole way: a candidate fails, and nobody looks. */
export const trigger: Figure = {
  name: "trigger",
  title: `a candidate begins to fail every second request at ${ratePerSecond} requests/s, with the plan's durations`,
  measures: {
    "failing to trigger": "s",
    "trigger to alert": "s",
    "alert to last bad answer": "ms",
    "alert to agreement": "s",
    "trigger to last bad answer": "s",
    "failing to last bad answer": "s",
    "failed until then": "requests",
    "failed after it": "requests",
  },
  isTimed: true,
  baseline: "Flagger",
  acquire: acquireFlagger,
  async prepare(world, onEnd) {
    const flagger = await FlaggerCanary.start(world, onEnd);
    return [
      { name: "guard", run: () => guardedFailure(world) },
      { name: "Flagger", run: () => flaggerFailure(world, flagger) },
    ];
  },
};

async function guardedFailure(world: World): Promise<Sample> {
  const { tools, stack, signal } = world;
  await untilQuiet(isAlertActive, signal);
  await world.move(ALL_BLUE);
  let found: UnaskedRollback | undefined;
  await shotsDuring(world, { target }, async (shots) => {
    const note = (): void => undefined;
    found = await unaskedRollback({ tools, stack, target, candidate: "blue", shots, note, signal });
  });
  if (found === undefined) throw new Error("guard: nothing was measured");
  const { triggerTrueMs, alertFiredMs, trafficBackMs, agreedMs, failedBefore, failedAfter } = found;
  return {
    "failing to trigger": triggerTrueMs / 1000,
    "trigger to alert": (alertFiredMs - triggerTrueMs) / 1000,
    "alert to last bad answer": trafficBackMs - alertFiredMs,
    "alert to agreement": (agreedMs - alertFiredMs) / 1000,
    "trigger to last bad answer": (trafficBackMs - triggerTrueMs) / 1000,
    "failing to last bad answer": trafficBackMs / 1000,
    "failed until then": failedBefore,
    "failed after it": failedAfter,
  };
}

async function flaggerFailure(world: World, flagger: FlaggerCanary): Promise<Sample> {
  await untilQuiet(isSeenFailing, world.signal);
  await flagger.cutOver();
  let failingAt = 0;
  const shots = await shotsDuring(world, flagger.asked, async () => {
    await sleep(Math.random() * lookMs, undefined, { signal: world.signal });
    failingAt = await flagger.fail();
    await flagger.rolledBack();
  });
  const lastAnswer = lastAnswerAfter(shots, "blue", failingAt);
  if (lastAnswer === undefined)
    throw new Error("Flagger: found no answer of blue after it failed, expected some");
  const seenAt = await seenFailingAt(failingAt);
  const lost = shots.filter((shot) => hasFailed(shot) && shot.sentAt > failingAt);
  const failedAfter = lost.filter(({ sentAt }) => sentAt > failingAt + lastAnswer).length;
  return {
    "failing to trigger": (seenAt - failingAt) / 1000,
    "trigger to last bad answer": (failingAt + lastAnswer - seenAt) / 1000,
    "failing to last bad answer": lastAnswer / 1000,
    "failed until then": lost.length - failedAfter,
    "failed after it": failedAfter,
  };
}

async function isAlertActive(): Promise<boolean> {
  const { active } = await activeAlerts(new URL(prometheusUrl));
  return active.some((alert) => alert.isTrigger && alert.target === target);
}

/** Until Prometheus has forgotten the failures of the round before. */
async function untilQuiet(isFailing: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + quietWithinMs;
  while (await isFailing()) {
    if (Date.now() > deadline)
      throw new Error(`found failures of the round before after ${quietWithinMs / 1000} s, expected none`);
    await sleep(1000, undefined, { signal });
  }
}
