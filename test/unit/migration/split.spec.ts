import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_LEGACY, formatSplit, holder, isTowardsLegacy, splitHash, splitsEqual } from "../../../migration";
import { parseSplit } from "../../../migration/split";
import { splits, targets } from "./arbitraries";

describe("split", () => {
  it("is written without the backends that have no traffic", () => {
    assert.equal(formatSplit({ legacy: 90, blue: 10, green: 0 }), "legacy 90 / blue 10");
    assert.equal(formatSplit(ALL_LEGACY), "legacy 100");
  });

  it("is read back as it was written", () => {
    fc.assert(fc.property(splits, (split) => assert.deepEqual(parseSplit(formatSplit(split)), split)));
  });

  for (const text of [
    "",
    "legacy",
    "legacy 99",
    "legacy 100 ",
    "red 100",
    "blue 10 / legacy 90",
    "legacy 1e2",
    "legacy NaN",
  ]) {
    it(`is not read from ${JSON.stringify(text)}`, () => assert.equal(parseSplit(text), undefined));
  }

  it("has a hash of 12 hex digits that stays the same from version to version", () => {
    // A changed hash would change every route of every stack.
    assert.equal(splitHash("frontend", ALL_LEGACY), "8e04344805be");
  });

  it("has a hash that differs for another target or another split", () => {
    fc.assert(
      fc.property(targets, targets, splits, splits, (target, otherTarget, split, otherSplit) => {
        const same = target === otherTarget && splitsEqual(split, otherSplit);
        assert.match(splitHash(target, split), /^[0-9a-f]{12}$/);
        assert.equal(splitHash(target, split) === splitHash(otherTarget, otherSplit), same);
      }),
    );
  });

  it("has a holder only where one backend has everything", () => {
    assert.equal(holder(ALL_LEGACY), "legacy");
    assert.equal(holder({ legacy: 0, blue: 0, green: 100 }), "green");
    assert.equal(holder({ legacy: 1, blue: 0, green: 99 }), undefined);
  });

  it("moves towards legacy if legacy gains and no color does", () => {
    const half = { legacy: 50, blue: 25, green: 25 };
    assert.equal(isTowardsLegacy(half, { legacy: 75, blue: 0, green: 25 }), true);
    assert.equal(isTowardsLegacy(half, { legacy: 60, blue: 0, green: 40 }), false);
    assert.equal(isTowardsLegacy(half, half), false);
    assert.equal(isTowardsLegacy(half, { legacy: 0, blue: 50, green: 50 }), false);
  });

  it("moves towards legacy from everywhere if all traffic goes there, and never in both directions", () => {
    fc.assert(
      fc.property(splits, splits, (from, to) => {
        assert.equal(isTowardsLegacy(from, ALL_LEGACY), from.legacy < 100);
        assert.ok(!(isTowardsLegacy(from, to) && isTowardsLegacy(to, from)));
      }),
    );
  });
});
