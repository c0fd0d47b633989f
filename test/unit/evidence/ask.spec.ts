import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import type { RoutedTargetName } from "../../../catalog";
import { parseStackConfig, type StackConfig } from "../../../config/parse";
import { type Finding, evidenceOf, gatherEvidence } from "../../../evidence/ask";
import { ALL_LEGACY, type RouteRecord, type Split, allOn, nextRecord } from "../../../migration";
import { type PastPrometheus, startPrometheusOrSkip } from "../../support/prometheus";
import { freePort } from "../../support/registry";
import { stackFile } from "../config/stackFile";
import { calm } from "../migration/arbitraries";
import { past } from "./recorded";

const half: Split = { legacy: 50, blue: 50, green: 0 };
const minutes = 60;
const hour = 3_600;
const day = 24 * hour;

const baseline = {
  latencySeconds: 0.1,
  errorRatio: 0,
  requestsPerSecond: 2,
  requests: 7_200,
  measuredAt: "2025-08-11T09:00:00Z",
};

function configOf(url: string, monitoring: object = {}): StackConfig {
  return parseStackConfig(
    stackFile({
      monitoring: { rules: "files", prometheus: url, ...monitoring },
      ...Object.fromEntries(measuredTargets.map((target) => [target, { baseline }])),
    }),
  );
}

const measuredTargets = ["frontend", "auth-service", "mcp-server", "automation", "airtable-gateway"] as const;

/** A target whose color got its share some seconds ago. */
function splitSince(
  target: RoutedTargetName,
  split: Split,
  seconds: number,
  now: Date,
): readonly [RoutedTargetName, RouteRecord] {
  const since = new Date(now.getTime() - seconds * 1_000);
  return [
    target,
    nextRecord(target, nextRecord(target, undefined, calm(ALL_LEGACY), since), calm(split), since),
  ];
}

const told = (findings: readonly Finding[] | undefined): string[] | undefined =>
  findings?.map(({ subject, verdict }) => {
    const doubts = verdict.kind === "go" ? [] : verdict.doubts.map(({ found }) => `: ${found}`);
    return `${subject.target} ${subject.color} ${verdict.kind}${doubts.join("")}`;
  });

describe("evidence from a real Prometheus", function () {
  this.timeout(60_000);
  let prometheus: PastPrometheus;

  before(async function () {
    prometheus = await startPrometheusOrSkip(this, [
      ...past("frontend", "blue", { seconds: 2 * day, errors: (ago) => (ago > day + hour ? 1 : 0.01) }),
      ...past("auth-service", "blue", {
        seconds: day,
        errors: (ago) => (ago < 10 * hour && ago > 10 * hour - 400 ? 0.08 : 0),
      }),
      ...past("mcp-server", "blue", { seconds: hour, samples: () => 6 }),
      ...past("automation", "blue", { seconds: hour, health: (ago) => (ago <= 900 ? undefined : 1) }),
      ...past("airtable-gateway", "blue", { seconds: hour }),
      ...past("docs", "blue", { seconds: hour }),
    ]);
  });

  after(() => (prometheus as PastPrometheus | undefined)?.stop());

  it("is a go for who is well, however it was before its split and its soak", async () => {
    const { now, url } = prometheus;
    for (const seconds of [3 * minutes, hour, day, 2 * day]) {
      const live = new Map([splitSince("frontend", allOn("blue"), seconds, now)]);
      const findings = await gatherEvidence(configOf(url), live, now);
      assert.deepEqual(told(findings), ["frontend blue go"]);
      assert.equal(evidenceOf(findings)?.get("frontend")?.kind, "go");
      assert.equal(findings?.[0]?.measured?.overMs, Math.min(seconds, day) * 1_000);
    }
  });

  it("is bad for a burst in the soak, and holds for whom too little is known", async () => {
    const { now, url } = prometheus;
    const live = new Map([
      splitSince("auth-service", allOn("blue"), day, now),
      splitSince("mcp-server", half, 4 * minutes, now),
      splitSince("automation", half, 30 * minutes, now),
      splitSince("airtable-gateway", half, 40, now),
      splitSince("docs", half, 30 * minutes, now),
      splitSince("api-gateway", half, 30 * minutes, now),
    ]);
    assert.deepEqual(told(await gatherEvidence(configOf(url), live, now)), [
      "auth-service blue bad: 8 % of the requests failed in the worst 5 min",
      "mcp-server blue hold: 24 requests in 4 min",
      "automation blue hold: measurements of 50 % of the time",
      "airtable-gateway blue hold: measured for 40 s",
      "docs blue hold: no baseline of legacy",
      "api-gateway blue hold: 0 requests in 30 min: no health check: no baseline of legacy",
    ]);
  });

  it("scales with the stack's durations", async () => {
    const { now, url } = prometheus;
    const live = new Map([splitSince("airtable-gateway", half, 2 * minutes, now)]);
    const config = configOf(url);
    assert.ok(config.monitoring);
    const scaled = { ...config, monitoring: { ...config.monitoring, timeScale: 0.2 } };
    const [finding] = (await gatherEvidence(scaled, live, now)) ?? [];
    assert.equal(finding?.measured?.meanOverMs, 60_000);
  });
});

describe("evidence", () => {
  const now = new Date("2025-08-12T09:00:00Z");
  const live = new Map([splitSince("frontend", half, hour, now), splitSince("docs", ALL_LEGACY, hour, now)]);

  it("isn't asked for where the stack wants none, or watches nothing", async () => {
    assert.equal(
      await gatherEvidence(configOf("http://127.0.0.1:9", { evidence: "off" }), live, now),
      undefined,
    );
    assert.equal(await gatherEvidence(parseStackConfig(stackFile()), live, now), undefined);
    assert.equal(evidenceOf(undefined), undefined);
  });

  it("holds where Prometheus can't be reached", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const [finding, ...others] = told(await gatherEvidence(configOf(url), live, now)) ?? [];
    assert.deepEqual(others, []);
    assert.match(
      finding ?? "",
      /^frontend blue hold: Prometheus at http:\/\/127.* can't be asked: .*ECONNREFUSED/,
    );
  });

  it("holds within 30 s where Prometheus hangs", async function () {
    this.timeout(40_000);
    const server = net.createServer((socket) => socket.on("error", () => undefined));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    const started = Date.now();
    const findings = told(await gatherEvidence(configOf(`http://127.0.0.1:${bound.port}`), live, now));
    const took = Date.now() - started;
    server.close();
    process.stdout.write(`      held after ${(took / 1_000).toFixed(1)} s\n`);
    assert.match(findings?.[0] ?? "", /hold: Prometheus .* no answer in time$/);
    assert.ok(took < 30_000, `${took} ms`);
  });
});
