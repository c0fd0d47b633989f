import assert from "node:assert/strict";
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { catalogEntry } from "../../catalog";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { editStackFile } from "../../config/edit";
import type { LocalGuard } from "../../local/guard";
import { type Faults, inject, injectAll, podAddresses } from "../../local/inject";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig, reportTokenFile } from "../../local/paths";
import { startMonitoring } from "../../local/platform/monitoring";
import { hostAddress } from "../../local/platform/network";
import { runningParts } from "../../local/platform/processes";
import { prometheusUrl } from "../../local/platform/prometheus";
import { SERIES } from "../../monitoring/indicators";
import { lastingOf, type AlertName } from "../../monitoring/table";
import { timingOf } from "../../monitoring/timing";
import { namespace } from "../faults/agreement";
import { kill, standInsOf } from "../faults/processes";
import { startGuard } from "../support/guard";
import { type Incident, Incidents, atBlue } from "./incidents";
import { eventually, triggersTrueOf, valueOf } from "./prometheus";
import { stackOnLegacy, succeeded, tools } from "./world";

/** How often each incident happens: more often than once, it takes longer than a test may. */
const times = 1;
const scale = 0.05;
const timing = timingOf(scale);
/** Time for what is injected to be all that a window holds, and to be scraped and recorded. */
const windowPassed = timing.windowMs + 4 * timing.scrapeMs;
const target = "frontend";
const candidate = "frontend-blue";
/** At 10 % of it, a window has more than the samples that it needs. */
const ratePerSecond = 150;
/** Far above what a stand-in takes by itself, so that a busy machine is not an incident. */
const baselineSeconds = 0.2;

const becauseOf = (name: AlertName): string => `${name} of ${target}/blue`;

function heldMs(name: AlertName): number {
  return lastingOf(name) * scale;
}

describe("incidents, from the first failed answer to the commit", function () {
  this.timeout(300_000);
  let stack: LocalStack;
  let api: KubeApi;
  let guard: LocalGuard;
  let incidents: Incidents;

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    stack = await stackOnLegacy("incidents");
    await stack.commit("Twenty times as fast, and measured", (text) =>
      editStackFile(
        editStackFile(text, ["config", "pyairtable:monitoring", "timeScale"], scale),
        ["config", `pyairtable:${target}`, "baseline"],
        {
          ...{ latencySeconds: baselineSeconds, errorRatio: 0, requestsPerSecond: ratePerSecond },
          ...{ requests: 1000, measuredAt: "2025-08-01T00:00:00Z" },
        },
      ),
    );
    succeeded(await stack.up());
    await startMonitoring(await tools(), { scale });
    guard = await startGuard(stack, { port: 9120, prometheus: prometheusUrl, scale });
    await guard.ready();
    incidents = new Incidents({ stack, api, guard, windowPassed });
  });

  after(async () => {
    await guard.stop();
    await startMonitoring(await tools(), { scale: 1 });
    await stackOnLegacy("incidents");
  });

  const wrong = (faults: Faults) => (): Promise<void> => injectAll(api, candidate, faults);
  const fails = (fail: number): (() => Promise<void>) => wrong({ errorEvery: { fail, of: 100 } });
  const failsAt = (percent: number): Incident => ({
    ...{ target, ratePerSecond, at: atBlue(percent) },
    because: becauseOf("ErrorRateTooHigh"),
    begins: fails(50),
    ends: wrong({}),
  });
  const forAWindow = (begins: () => Promise<void>) => async (): Promise<void> => {
    await begins();
    await sleep(2 * windowPassed);
  };

  function happens(name: string, incident: () => Incident): void {
    it(name, async () => {
      for (let time = 0; time < times; time++) await incidents.happens(incident());
    });
  }

  happens("more than 10 % errors, at 50 %; 9 % are none", () => ({
    ...failsAt(50),
    below: forAWindow(fails(9)),
    begins: fails(11),
  }));

  happens("latency more than 50 % above the baseline; 30 % are none", () => ({
    ...failsAt(50),
    because: becauseOf("LatencyTooHigh"),
    below: forAWindow(wrong({ delayMs: 1.27 * 1000 * baselineSeconds })),
    begins: wrong({ delayMs: 1.6 * 1000 * baselineSeconds }),
  }));

  for (const percent of [10, 100]) happens(`a failure at ${percent} %`, () => failsAt(percent));

  happens("a candidate that crashes again and again", () => ({
    ...failsAt(100),
    begins: wrong({ crash: true }),
    ends: replacePods,
  }));

  happens("a candidate that hangs", () => ({
    // Fewer than wait until a hanging request is given up, so that the load doesn't run out of connections.
    ...{ ...failsAt(50), ratePerSecond: 40 },
    begins: () => signalPods("SIGSTOP"),
    ends: () => signalPods("SIGCONT"),
  }));

  happens("health that fails for long, seen with next to no traffic; a shorter failure is none", () => ({
    ...failsAt(100),
    ratePerSecond: 4,
    because: becauseOf("HealthCheckFailing"),
    below: async () => {
      await wrong({ unready: true })();
      await healthIs("blue", 0);
      await sleep(0.7 * heldMs("HealthCheckFailing"));
      await wrong({})();
      await healthIs("blue", 1);
    },
    begins: wrong({ unready: true }),
  }));

  happens("Prometheus, killed while an alert is pending and started again", () => ({
    ...failsAt(100),
    begins: async () => {
      await fails(50)();
      await eventually(
        () => triggersTrueOf(target),
        (alerts) => alerts.length > 0,
        30,
      );
      killPart("prometheus");
      await sleep(timing.windowMs);
      await startMonitoring(await tools(), { scale });
    },
  }));

  happens("Alertmanager is gone: the guard asks Prometheus itself", () => ({
    ...failsAt(100),
    begins: () => {
      killPart("alertmanager");
      return fails(50)();
    },
    ends: async () => {
      await wrong({})();
      await startMonitoring(await tools(), { scale });
    },
  }));

  happens("legacy fails, then the candidate too: it is not rolled back before legacy is well", () => {
    const mends = (): Promise<void> => injectLegacy({});
    return {
      ...failsAt(100),
      below: async () => {
        await injectLegacy({ unready: true });
        await healthIs("legacy", 0);
        await sleep(windowPassed);
      },
      begins: async () => {
        const [before, head] = [await incidents.refusals(target), await incidents.commits()];
        await fails(50)();
        await eventually(
          () => incidents.refusals(target),
          (found) => found > before,
          30,
        );
        await sleep(windowPassed);
        assert.equal(await incidents.liveSplit(target), "blue 100");
        assert.equal(await incidents.commits(), head);
        await mends();
      },
      ends: async () => {
        await mends();
        await wrong({})();
      },
    };
  });

  // Last: what users reported stays true for as long as it is counted.
  happens("more than 3 reports of users; 3 are none", () => ({
    ...failsAt(50),
    because: `UserReportsTooMany of ${target}`,
    below: async () => {
      for (let report = 0; report < 3; report++) await reportIssue();
      await sleep(windowPassed);
    },
    begins: reportIssue,
  }));

  it("no incident was missed, nothing else was rolled back, and nothing was lost afterwards", () =>
    incidents.close());

  async function reportIssue(): Promise<void> {
    const { status, body } = await ask(new URL("/reports", guard.origin), {
      method: "POST",
      headers: { authorization: `Bearer ${fs.readFileSync(reportTokenFile, "utf8").trim()}` },
      body: { target, severity: "critical", text: "It can't be used" },
    });
    assert.equal(status, 202, body);
  }

  const healthIs = (backend: string, value: number): Promise<unknown> =>
    eventually(
      () => valueOf(`${SERIES.health}{target="${target}", backend="${backend}"}`),
      (found) => found === value,
      30,
    );

  const injectLegacy = (faults: Faults): Promise<void> =>
    inject(`${hostAddress}:${catalogEntry(target).legacyPort}`, faults);

  /** All pods of the candidate anew: one that crashed would crash again. */
  async function replacePods(): Promise<void> {
    const selector = encodeURIComponent(`app.kubernetes.io/instance=${candidate}`);
    const old = await podAddresses(api, candidate);
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}&gracePeriodSeconds=0`;
    const { status, body } = await api.ask(path, { method: "DELETE" });
    assert.equal(status, 200, body);
    await eventually(
      () => podAddresses(api, candidate),
      (found) => found.length > 0 && found.every((address) => !old.includes(address)),
      30,
    );
  }

  function signalPods(signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    const found = standInsOf(target, "blue");
    assert.notEqual(found.length, 0);
    for (const pid of found) process.kill(pid, signal);
    return Promise.resolve();
  }

  function killPart(name: string): void {
    const found = runningParts().filter((part) => part.name === name);
    assert.notEqual(found.length, 0, name);
    for (const { pid } of found) kill(pid);
  }
});
