import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../../cluster/kubeApi";
import { LocalGuard } from "../../local/guard";
import { hasFailed } from "../../local/load/shot";
import { lastAnswerAfter } from "../../local/load/statistics";
import { guardTokenFile } from "../../local/paths";
import { timingOf } from "../../monitoring/timing";
import type { Figure, Sample } from "../figure";
import { ratePerSecond, shotsDuring } from "../load";
import { startPrometheus } from "../prometheus";
import { ALL_BLUE, type World, target } from "../world";

const labels = { alertname: "ErrorRateTooHigh", target, backend: "blue", action: "rollback" };
const patienceMs = 60_000;

/** What the guard does once it is told, and what it costs while nobody tells it anything. */
export const guard: Figure = {
  name: "guard",
  title: `the guard, from Alertmanager's message to blue's last answer at ${ratePerSecond} requests/s, and at rest`,
  measures: {
    "alert to last bad answer": "ms",
    "alert to agreement": "s",
    failed: "requests",
    memory: "MB",
    "idle CPU": "%",
  },
  isTimed: true,
  baseline: "guard",
  async prepare(world, onEnd) {
    // The guard asks whether an alert is true. It is, and isn't seen by the guard's own looking around: what is pending
    // is true, and doesn't fire.
    const since = new Date().toISOString();
    const alert = { labels, annotations: {}, state: "pending", activeAt: since, value: "0.5" };
    const prometheus = await startPrometheus({ alerts: [alert] }, onEnd);
    const running = await LocalGuard.start(world.tools, {
      stackFile: world.stack.stackFile,
      port: 0,
      prometheus,
    });
    onEnd(() => running.stop());
    return [{ name: "guard", run: () => timeRollback(world, running) }];
  },
};

async function timeRollback(world: World, running: LocalGuard): Promise<Sample> {
  const atRest = await rest(running, world.signal);
  await world.move(ALL_BLUE);
  let postedAt = 0;
  let agreedAt = 0;
  const shots = await shotsDuring(world, { target }, async () => {
    postedAt = Date.now();
    const before = running.log.filter(({ message }) => message.startsWith("recorded:")).length;
    await post(running);
    const line = await Promise.race([
      running.says(/^recorded:/, undefined, before + 1),
      sleep(patienceMs, undefined, { signal: world.signal, ref: false }),
    ]);
    if (line === undefined) throw new Error(`guard: nothing was recorded within ${patienceMs / 1000} s`);
    agreedAt = Date.parse(line.time);
  });
  const lastAnswer = lastAnswerAfter(shots, "blue", postedAt);
  const last = shots.reduce((latest, shot) => (shot.sentAt > latest.sentAt ? shot : latest));
  if (lastAnswer === undefined || last.backend !== "legacy")
    throw new Error(
      `guard: found ${last.backend ?? "nobody"} answering at the end, expected legacy after blue`,
    );
  return {
    ...atRest,
    "alert to last bad answer": lastAnswer,
    "alert to agreement": (agreedAt - postedAt) / 1000,
    failed: shots.filter(hasFailed).length,
  };
}

/** Over one of its looks at Prometheus. */
async function rest(running: LocalGuard, signal: AbortSignal): Promise<Sample> {
  const began = performance.now();
  const before = await metric(running, "process_cpu_seconds_total");
  await sleep(timingOf().scrapeMs, undefined, { signal });
  const used = (await metric(running, "process_cpu_seconds_total")) - before;
  return {
    memory: (await metric(running, "process_resident_memory_bytes")) / 1e6,
    "idle CPU": (100 * used) / ((performance.now() - began) / 1000),
  };
}

async function metric(running: LocalGuard, series: string): Promise<number> {
  const { body } = await ask(new URL("/metrics", running.origin));
  const value = new RegExp(`^${series} (\\S+)$`, "m").exec(body)?.[1];
  if (value === undefined) throw new Error(`guard: found no ${series} in its metrics`);
  return Number(value);
}

/** As Alertmanager does. */
async function post(running: LocalGuard): Promise<void> {
  const { status, body } = await ask(new URL("/alerts", running.origin), {
    method: "POST",
    headers: { authorization: `Bearer ${fs.readFileSync(guardTokenFile, "utf8").trim()}` },
    body: { version: "4", alerts: [{ status: "firing", labels, startsAt: new Date().toISOString() }] },
  });
  if (status !== 200) throw new Error(`guard: found status ${status}, expected 200: ${body}`);
}
