import assert from "node:assert/strict";
import fc from "fast-check";
import { spreadOf } from "../../../bench/statistics";

const someSamples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
  minLength: 1,
  maxLength: 50,
});

describe("the spread of samples", () => {
  it("has the middle one of an odd number of samples as its median, the mean of the middle two of an even number", () => {
    assert.equal(spreadOf([9, 1, 5]).median, 5);
    assert.equal(spreadOf([9, 1, 5, 6]).median, 5.5);
  });

  it("has quartiles between samples in proportion", () => {
    const { p25, p75 } = spreadOf([10, 20, 30, 40]);
    assert.deepEqual([p25, p75], [17.5, 32.5]);
  });

  it("is in order, and doesn't depend on the order of the samples", () => {
    fc.assert(
      fc.property(someSamples, (samples) => {
        const spread = spreadOf(samples);
        const { min, p25, median, p75, p99, max } = spread;
        assert.ok(min <= p25 && p25 <= median && median <= p75 && p75 <= p99 && p99 <= max);
        assert.deepEqual([min, max], [Math.min(...samples), Math.max(...samples)]);
        assert.deepEqual(spreadOf(samples.toReversed()), spread);
      }),
    );
  });

  it("has at least half of the samples on either side of its median", () => {
    fc.assert(
      fc.property(someSamples, (samples) => {
        const { median } = spreadOf(samples);
        assert.ok(samples.filter((sample) => sample <= median).length * 2 >= samples.length);
        assert.ok(samples.filter((sample) => sample >= median).length * 2 >= samples.length);
      }),
    );
  });

  it("needs a sample", () => {
    assert.throws(() => spreadOf([]), RangeError);
  });
});
