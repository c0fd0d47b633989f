import assert from "node:assert/strict";
import fc from "fast-check";
import { hasFailed } from "../../../local/load/shot";
import { binomialInterval, lastAnswerAfter, percentile, summarise } from "../../../local/load/statistics";
import { shotWith } from "./shots";

const someShot = fc
  .record({
    backend: fc.constantFrom("legacy", "blue", "green", undefined),
    status: fc.constantFrom(200, 202, 204, 0, 302, 404, 503),
    error: fc.constantFrom("", "EOF"),
    latencyMs: fc.double({ min: 0.01, max: 15_000, noNaN: true }),
  })
  .map(shotWith);

describe("the summary of shots", () => {
  it("counts each shot once: as failed, or for the backend that answered", () => {
    fc.assert(
      fc.property(fc.array(someShot), (shots) => {
        const { requests, failed, answers } = summarise(shots);
        assert.equal(requests, shots.length);
        assert.equal(failed, shots.filter(hasFailed).length);
        assert.equal(failed + answers.legacy + answers.blue + answers.green, requests);
      }),
    );
  });

  it("splits the good answers into shares that sum to 100, or to 0 when there are none", () => {
    fc.assert(
      fc.property(fc.array(someShot), (shots) => {
        const { split, requests, failed } = summarise(shots);
        const sum = split.legacy + split.blue + split.green;
        assert.ok(Math.abs(sum - (requests > failed ? 100 : 0)) < 1e-9, `sum ${sum}`);
      }),
    );
  });

  it("gives latencies that occurred, the median no greater than the 99th percentile", () => {
    fc.assert(
      fc.property(fc.array(someShot), (shots) => {
        const good = shots.filter((shot) => !hasFailed(shot)).map((shot) => shot.latencyMs);
        const { latencyMs } = summarise(shots);
        assert.equal(latencyMs === undefined, good.length === 0);
        if (latencyMs === undefined) return;
        assert.ok(good.includes(latencyMs.p50) && good.includes(latencyMs.p99));
        assert.ok(latencyMs.p50 <= latencyMs.p99);
      }),
    );
  });

  it("realises nine to one as 90 and 10", () => {
    const shots = Array.from({ length: 200 }, (_, index) =>
      shotWith({ backend: index % 10 === 0 ? "blue" : "legacy" }),
    );
    assert.deepEqual(summarise(shots).split, { legacy: 90, blue: 10, green: 0 });
    assert.deepEqual(summarise(shots).answers, { legacy: 180, blue: 20, green: 0 });
  });
});

describe("the percentile", () => {
  it("is the nearest rank", () => {
    const values = Array.from({ length: 200 }, (_, index) => index + 1);
    assert.deepEqual(
      [0, 50, 99, 100].map((percent) => percentile(values, percent)),
      [1, 100, 198, 200],
    );
    assert.equal(percentile([], 50), undefined);
  });
});

describe("the last answer of a backend", () => {
  const shots = [
    shotWith({ sentAt: 1000, latencyMs: 5000 }), // sent first, received last
    shotWith({ sentAt: 2000, latencyMs: 1.5 }),
    shotWith({ sentAt: 9000, latencyMs: 1, backend: "blue" }),
    shotWith({ sentAt: 7000, latencyMs: 1, backend: undefined, status: 0, error: "EOF" }),
  ];

  it("is timed by when it was received, not sent", () => {
    assert.equal(lastAnswerAfter(shots, "legacy", 1500), 4500);
  });

  it("is none when all of them came before", () => {
    assert.equal(lastAnswerAfter(shots, "legacy", 6000), undefined);
    assert.equal(lastAnswerAfter(shots, "green", 0), undefined);
  });
});

describe("the binomial interval", () => {
  it("agrees with tables for a fair coin", () => {
    // Of 10 tosses, 0 or 1 heads come up in 11 of 1024 cases, up to 2 in 56.
    assert.deepEqual(binomialInterval(10, 0.5, 1 - 2 * (11.5 / 1024)), { low: 2, high: 8 });
    assert.deepEqual(binomialInterval(10, 0.5, 1 - 2 * (10.5 / 1024)), { low: 1, high: 9 });
  });

  it("has no room where the outcome is certain", () => {
    assert.deepEqual(binomialInterval(500, 0, 0.999), { low: 0, high: 0 });
    assert.deepEqual(binomialInterval(500, 1, 0.999), { low: 500, high: 500 });
    assert.deepEqual(binomialInterval(0, 0.1, 0.999), { low: 0, high: 0 });
  });

  it("includes 10 % of 3,000 within three to four standard deviations at 99.9 %", () => {
    const { low, high } = binomialInterval(3000, 0.1, 0.999);
    const deviation = Math.sqrt(3000 * 0.1 * 0.9);
    for (const distance of [300 - low, high - 300]) {
      assert.ok(distance > 3 * deviation && distance < 3.5 * deviation, `${low} to ${high}`);
    }
  });

  it("is the tightest interval that leaves out no more than half of the rest on each side", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.constantFrom(0.5, 0.9, 0.99, 0.999),
        (n, p, confidence) => {
          const { low, high } = binomialInterval(n, p, confidence);
          const pmf = probabilities(n, p);
          const sum = (from: number, to: number) =>
            pmf.slice(from, to).reduce((total, each) => total + each, 0);
          const half = (1 - confidence) / 2;
          const rounding = 1e-12;
          assert.ok(sum(low, high + 1) >= confidence - rounding);
          assert.ok(sum(0, low) <= half + rounding && sum(high + 1, n + 1) <= half + rounding);
          assert.ok(sum(0, low + 1) > half - rounding && sum(high, n + 1) > half - rounding);
        },
      ),
    );
  });

  it("is the other side's mirror image", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 1023 }), (n, of1024) => {
        const p = of1024 / 1024; // exact in binary, as is 1 - p
        const { low, high } = binomialInterval(n, p, 0.999);
        const mirrored = binomialInterval(n, 1 - p, 0.999);
        assert.deepEqual({ low: n - mirrored.high, high: n - mirrored.low }, { low, high });
      }),
    );
  });

  it("stays exact and fast for as many requests as an attack can send", () => {
    const { low, high } = binomialInterval(600_000, 0.1, 0.999);
    const expected = 3.2905 * Math.sqrt(600_000 * 0.1 * 0.9);
    for (const distance of [60_000 - low, high - 60_000])
      assert.ok(Math.abs(distance - expected) < 5, `${low} ${high}`);
  });
});

/** The binomial distribution by repeated convolution: slow, and nothing like what is tested. */
function probabilities(n: number, p: number): number[] {
  let row = [1];
  for (let tries = 0; tries < n; tries++) {
    const previous = row;
    row = Array.from(
      { length: tries + 2 },
      (_, k) => (previous[k] ?? 0) * (1 - p) + (previous[k - 1] ?? 0) * p,
    );
  }
  return row;
}
