import assert from "node:assert/strict";
import fc from "fast-check";
import { judgeEvidence } from "../../../evidence/judge";
import type { Measured } from "../../../evidence/measure";
import type { Verdict } from "../../../migration";
import type { Baseline } from "../../../monitoring/baseline";
import { timingOf } from "../../../monitoring/timing";

const timing = timingOf();
const baseline: Baseline = {
  latencySeconds: 0.1,
  errorRatio: 0,
  requestsPerSecond: 10,
  requests: 36_000,
  measuredAt: new Date("2025-08-11T09:00:00Z"),
};
const well: Measured = {
  overMs: 3_600_000,
  meanOverMs: 300_000,
  requests: 3_600,
  errors: 0.01,
  latency: 0.1,
  healthy: true,
  watched: 1,
  alerts: [],
};

const judged = (change: Partial<Measured>, against: Baseline | undefined = baseline): Verdict =>
  judgeEvidence({ ...well, ...change }, against, timing);

/** `kind: found, expected expected; …` */
function told(verdict: Verdict): string {
  if (verdict.kind === "go") return "go";
  return `${verdict.kind}: ${verdict.doubts.map(({ found, expected }) => `${found}, expected ${expected}`).join("; ")}`;
}

describe("evidence", () => {
  it("is a go where all is within the plan, its limits included", () => {
    assert.equal(told(judged({})), "go");
    assert.equal(told(judged({ connected: true })), "go");
    assert.equal(told(judged({ errors: 0.05, latency: 0.12, watched: 0.9 })), "go");
    assert.equal(told(judged({ overMs: 60_000, meanOverMs: 60_000, requests: 30 })), "go");
  });

  for (const [name, change, expected] of [
    [
      "errors above 5 %",
      { errors: 0.051 },
      "bad: 5.1 % of the requests failed in the worst 5 min, expected at most 5 %",
    ],
    [
      "errors above 5 % of a stretch that is shorter",
      { errors: 0.051, overMs: 90_000, meanOverMs: 90_000 },
      "bad: 5.1 % of the requests failed, expected at most 5 %",
    ],
    [
      "latency 20 % above the baseline",
      { latency: 0.121 },
      "bad: 121 ms per request in the worst 5 min, expected at most 120 ms, 20 % above legacy's baseline of 100 ms",
    ],
    ["a failed probe", { healthy: false }, "bad: a failed health check, expected none"],
    [
      "an alert",
      { alerts: ["UserReportsTooMany"] },
      "bad: the alert UserReportsTooMany, expected no trigger of a rollback and no warning",
    ],
    [
      "what is bad, whatever is missing besides",
      { errors: 1, latency: undefined, requests: 3, healthy: undefined },
      "bad: 100 % of the requests failed in the worst 5 min, expected at most 5 %",
    ],
    [
      "less than a window",
      { overMs: 59_000, meanOverMs: 59_000 },
      "hold: measured for 59 s, expected 60 s, a whole window",
    ],
    [
      "too few requests",
      { requests: 29, errors: undefined, latency: undefined },
      "hold: 29 requests in 1 h, expected 30 or more",
    ],
    [
      "requests enough, but at no time enough of them",
      { requests: 400, errors: undefined, latency: undefined },
      "hold: no 5 min with requests enough to tell errors and latency, expected 30 or more per 60 s for as long",
    ],
    ["no probe", { healthy: undefined, watched: 0 }, "hold: no health check, expected one per scrape"],
    [
      "a failed connection to the database",
      { connected: false },
      "bad: a failed connection to the database, expected none",
    ],
    [
      "no connection to the database tried",
      { connected: undefined },
      "hold: no connection to the database tried, expected one per scrape",
    ],
    ["gaps", { watched: 0.5 }, "hold: measurements of 50 % of the time, expected 90 % or more"],
  ] as const) {
    it(`says of ${name}: ${expected.slice(0, 4).replace(":", "")}`, () => {
      assert.equal(told(judged(change)), expected);
    });
  }

  it("holds without a baseline of legacy", () => {
    const verdict = judgeEvidence(well, undefined, timing);
    assert.equal(told(verdict), "hold: no baseline of legacy, expected one, measured by cutover baseline");
  });

  const ratio = fc.double({ min: 0, max: 1, noNaN: true });
  const figures: fc.Arbitrary<Measured> = fc.record({
    overMs: fc.constantFrom(1_000, 59_999, 60_000, 3_600_000),
    meanOverMs: fc.constantFrom(1_000, 60_000, 300_000),
    requests: fc.constantFrom(0, 29, 30, 1_000),
    errors: fc.option(fc.oneof(ratio, fc.constantFrom(0, 0.05)), { nil: undefined }),
    latency: fc.option(fc.oneof(ratio, fc.constantFrom(0, 0.12)), { nil: undefined }),
    healthy: fc.option(fc.boolean(), { nil: undefined }),
    watched: fc.oneof(ratio, fc.constantFrom(0.9, 1)),
    alerts: fc.subarray(["ErrorRateHigh", "HealthCheckFailing"]),
  });
  const baselines = fc.option(fc.constant(baseline), { nil: undefined });

  it("is a go only where everything is known, and nothing beyond the plan", () => {
    const seen = { go: 0, hold: 0, bad: 0 };
    fc.assert(
      fc.property(figures, baselines, (measured, against) => {
        const { kind } = judgeEvidence(measured, against, timing);
        seen[kind]++;
        const { overMs, requests, errors, latency, healthy, watched, alerts } = measured;
        const isKnown =
          against !== undefined &&
          overMs >= 60_000 &&
          requests >= 30 &&
          errors !== undefined &&
          latency !== undefined &&
          healthy !== undefined &&
          watched >= 0.9;
        const isBeyond =
          (errors ?? 0) > 0.05 ||
          (against !== undefined && (latency ?? 0) > 0.12) ||
          healthy === false ||
          alerts.length > 0;
        assert.equal(kind, isBeyond ? "bad" : isKnown ? "go" : "hold");
      }),
      { numRuns: 5_000 },
    );
    assert.ok(seen.go > 10 && seen.hold > 10 && seen.bad > 10, JSON.stringify(seen));
  });

  it("never gets better by knowing less", () => {
    const unknown = fc.constantFrom<Partial<Measured>>(
      { errors: undefined },
      { latency: undefined },
      { healthy: undefined, watched: 0 },
      { requests: 0 },
      { overMs: 1_000 },
      { watched: 0.89 },
    );
    fc.assert(
      fc.property(figures, baselines, unknown, (measured, against, less) => {
        assert.notEqual(judgeEvidence({ ...measured, ...less }, against, timing).kind, "go");
      }),
    );
  });
});
