import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeApi } from "../../cluster/kubeApi";
import { readLiveRoute } from "../../cluster/liveRoutes";
import { catalogEntry } from "../../catalog";
import { editStackFile } from "../../config/edit";
import { parseStackFile } from "../../config/stackFile";
import type { TargetConfig } from "../../config/parse";
import { exitCodes } from "../../cutover/exitCodes";
import { inject, injectAll } from "../../local/inject";
import { type Attack, startAttack } from "../../local/load/attack";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { gatewayAddress } from "../../local/platform/gateway";
import { startMonitoring } from "../../local/platform/monitoring";
import { hostAddress } from "../../local/platform/network";
import { runningParts } from "../../local/platform/processes";
import { formatSplit, isTampered } from "../../migration";
import { timingOf } from "../../monitoring/timing";
import { namespace } from "../faults/agreement";
import { type CutoverResult, cutover, watch } from "./cutoverCommand";
import { eventually } from "./prometheus";
import { stackOnLegacy, succeeded, tools } from "./world";

const scale = 0.1;
const timing = timingOf(scale);
/** Time for what goes on to be all that a window holds, and to be scraped and recorded. */
const windowPassed = timing.windowMs + 4 * timing.scrapeMs;
const target = "frontend";
const candidate = "frontend-blue";
/** At 10 % of it, a window has twice the samples that it needs. */
const ratePerSecond = 100;
/** So slow that a candidate on a busy machine is still faster. */
const legacyDelayMs = 300;

describe("evidence, on a stack that requires it", function () {
  this.timeout(180_000);
  let stack: LocalStack;
  let api: KubeApi;
  let attack: Attack | undefined;

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    stack = await stackOnLegacy("evidence", (text) =>
      editStackFile(
        editStackFile(text, [...monitoring, "timeScale"], scale),
        [...monitoring, "evidence"],
        "required",
      ),
    );
    await startMonitoring(await tools(), { scale });
    await injectLegacy(legacyDelayMs);
  });

  after(async () => {
    await quiet();
    signalPrometheus("SIGCONT");
    await injectLegacy(0);
    await startMonitoring(await tools(), { scale: 1 });
  });

  const injectLegacy = (delayMs: number): Promise<void> =>
    inject(`${hostAddress}:${catalogEntry(target).legacyPort}`, { delayMs });

  const wanted = (): TargetConfig => parseStackFile(stack.readStackFile()).targets[target];

  async function busy(): Promise<void> {
    attack = startAttack({
      ...{ vegeta: (await tools()).path("vegeta"), gateway: gatewayAddress },
      ...{ targets: [target], ratePerSecond, maxSeconds: 600, onShot: () => undefined },
    });
  }

  async function quiet(): Promise<void> {
    await attack?.stop();
    attack = undefined;
  }

  async function liveSplit(): Promise<string> {
    const live = await readLiveRoute(api, namespace, target);
    return live === undefined || isTampered(live) ? "?" : formatSplit(live.split);
  }

  /** Runs a command that must find itself unable to go on, and asserts that it has changed nothing. */
  async function stopped(code: number, ...args: readonly string[]): Promise<CutoverResult> {
    const place = async (): Promise<string> =>
      `${await liveSplit()} ${await stack.git("rev-parse", "HEAD")} ${await stack.git("status", "--short")}`;
    const before = await place();
    const result = await cutover(stack, args);
    assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
    assert.equal(await place(), before);
    return result;
  }

  /** Tries until enough is measured; until then it may only be held. */
  async function goesOn(...args: readonly string[]): Promise<void> {
    await eventually(
      async () => {
        const { code, stdout, stderr } = await cutover(stack, args);
        assert.ok(code === exitCodes.done || code === exitCodes.held, `${code}: ${stdout}${stderr}`);
        return { code, stderr };
      },
      ({ code }) => code === exitCodes.done,
      90,
    );
  }

  it("measures no baseline without traffic, and changes nothing", async () => {
    // Prometheus has just been started.
    await sleep(windowPassed);
    const { stderr } = await stopped(exitCodes.held, "baseline", target, "--over", "6s", "--yes");
    assert.match(stderr, /frontend: too little is known of legacy; nothing was changed\./);
    assert.match(stderr, /found \d+ requests in 6 s, expected 30 or more/);
  });

  it("measures the baseline under load, writes and commits it, and after the update there is nothing to do", async () => {
    await busy();
    // Each of the rates that it is the mean of is itself one over a window.
    await sleep(2 * windowPassed);
    await goesOn("baseline", target, "--over", "6s", "--yes");
    await quiet();
    const { baseline } = wanted();
    assert.ok(baseline);
    const { latencySeconds, errorRatio, requestsPerSecond } = baseline;
    // Envoy's histogram is right to a twentieth.
    assert.ok(Math.abs(latencySeconds - legacyDelayMs / 1000) < 0.05, `${latencySeconds} s`);
    assert.equal(errorRatio, 0);
    assert.ok(Math.abs(requestsPerSecond - ratePerSecond) < ratePerSecond / 5, `${requestsPerSecond}/s`);
    assert.match(await stack.git("log", "-1", "--format=%s"), /^frontend: legacy's baseline is \d+ ms$/m);
    succeeded(await stack.up());
    succeeded(await stack.preview());
  });

  it("gives the first share without any", async () => {
    const { code, stdout, stderr } = await cutover(stack, ["advance", target, "--yes"]);
    assert.equal(code, exitCodes.done, `${stdout}${stderr}`);
    assert.equal(await liveSplit(), "legacy 90 / blue 10");
  });

  it("is HOLD without enough traffic: the candidate gets no more, and nothing is changed", async () => {
    await sleep(windowPassed);
    const { stderr } = await stopped(exitCodes.held, "advance", target, "--yes");
    assert.match(
      stderr,
      /The rules refuse it; nothing was changed\.\nfrontend\n {2}pyairtable:frontend\.traffic \(evidence\)\n {4}found: {4}HOLD: \d+ requests in 6 s\n {4}expected: 30 or more\n/,
    );
    assert.match(stderr, /cutover soak frontend/);
    const soak = await stopped(exitCodes.held, "soak", target);
    assert.match(soak.stdout, /^frontend {2}legacy 90 \/ blue 10 {2}since \S+ \S+Z {2}HOLD$/m);
    assert.match(soak.stdout, /^ {2}latency +.* +at most \d+ ms, legacy \d+ ms$/m);
  });

  it("is shown until Ctrl-C: anew on a terminal, plain and only when it differs to a program", async () => {
    const [piped, shown] = [
      await watch(stack, ["soak", target, "--watch"], "pipe"),
      await watch(stack, ["soak", target, "--watch"], "terminal"),
    ];
    const says = (pattern: RegExp): Promise<unknown> =>
      eventually(
        () => Promise.resolve([piped.said(), shown.said()]),
        (texts) => texts.every((text) => pattern.test(text)),
        60,
      );
    let codes: (number | null)[];
    try {
      await says(/HOLD/);
      await busy();
      await says(/HOLD[^]*Z {2}\S*go\b/);
    } finally {
      codes = await Promise.all([piped.interrupt(), shown.interrupt()]);
    }
    assert.deepEqual(codes, [130, 130]);
    const escape = "\u001b";
    assert.ok(!piped.said().includes(escape), JSON.stringify(piped.said()));
    assert.ok(shown.said().includes(escape));
    assert.doesNotMatch(piped.said() + shown.said(), /Error|^ +at /m);
  });

  it("is BAD while the candidate fails: it gets no more, and is not rolled back by that", async () => {
    await injectAll(api, candidate, { errorEvery: { fail: 50, of: 100 } });
    await eventually(
      () => cutover(stack, ["soak", target]),
      ({ code }) => code === exitCodes.refused,
      60,
    );
    const { stderr } = await stopped(exitCodes.refused, "advance", target, "--yes");
    assert.match(stderr, /found: {4}BAD: [\d.]+ % of the requests failed/);
    assert.match(stderr, /go back \(cutover rollback frontend\)/);
    await injectAll(api, candidate, {});
  });

  it("is HOLD within 30 s when Prometheus doesn't answer: neither a promotion nor a rollback", async () => {
    signalPrometheus("SIGSTOP");
    const startedAt = Date.now();
    const { stderr } = await stopped(exitCodes.held, "advance", target, "--yes");
    const seconds = (Date.now() - startedAt) / 1000;
    console.log(`      held ${seconds.toFixed(1)} s after Prometheus was asked`);
    assert.ok(seconds < 30, `${seconds} s`);
    assert.match(stderr, /found: {4}HOLD: Prometheus at \S+ can't be asked: .*\n {4}expected: measurements/);
    signalPrometheus("SIGKILL");
    await stopped(exitCodes.held, "advance", target, "--yes");
    await startMonitoring(await tools(), { scale });
  });

  it("goes on with traffic, once what was bad is past", async () => {
    await eventually(
      () => cutover(stack, ["soak", target]),
      ({ code }) => code === exitCodes.done,
      60,
    );
    await goesOn("advance", target, "--weight", "100", "--yes");
    assert.equal(await liveSplit(), "blue 100");
  });

  it("is asked for again before legacy is retired", async () => {
    await quiet();
    // What is missing is traffic then, not time.
    await sleep(windowPassed);
    await eventually(
      () => cutover(stack, ["soak", target]),
      ({ code }) => code === exitCodes.held,
      60,
    );
    const { stderr } = await stopped(exitCodes.held, "advance", target, "--yes");
    assert.match(stderr, /pyairtable:frontend\.legacy \(evidence\)\n {4}found: {4}HOLD: \d+ requests/);
    assert.equal(wanted().legacy, "standby");
  });
});

const monitoring = ["config", "pyairtable:monitoring"];

function signalPrometheus(signal: NodeJS.Signals): void {
  for (const { pid } of runningParts().filter(({ name }) => name === "prometheus")) process.kill(pid, signal);
}
