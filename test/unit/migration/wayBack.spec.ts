import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALL_LEGACY,
  type RouteRecord,
  type Split,
  type WantedTarget,
  allOn,
  isWayBack,
  nextRecord,
  waysBack,
} from "../../../migration";
import { calm, records, start, wantedTargets } from "./arbitraries";

const now = start;

const wanted = (split: Split, legacy: WantedTarget["legacy"] = "standby"): WantedTarget =>
  calm(split, { legacy });

/** The record that a series of splits leaves, from all on legacy. */
function after(splits: readonly Split[], legacy: WantedTarget["legacy"] = "standby"): RouteRecord {
  const start = nextRecord("frontend", undefined, wanted(ALL_LEGACY), now);
  return splits.reduce((live, split) => nextRecord("frontend", live, wanted(split, legacy), now), start);
}

describe("where a rollback leads", () => {
  it("is legacy on the way out of the monorepo", () => {
    assert.deepEqual(waysBack(after([{ legacy: 90, blue: 10, green: 0 }]), wanted(ALL_LEGACY)), [ALL_LEGACY]);
    assert.deepEqual(waysBack(after([allOn("blue")]), wanted(ALL_LEGACY)), [ALL_LEGACY]);
  });

  it("is nowhere from legacy", () => {
    assert.deepEqual(waysBack(after([]), wanted(ALL_LEGACY)), []);
    assert.deepEqual(waysBack(after([allOn("blue"), ALL_LEGACY]), wanted(ALL_LEGACY)), []);
  });

  it("is the color that last held 100 %, and only then legacy, if that is kept", () => {
    const live = after([allOn("blue"), { legacy: 0, blue: 50, green: 50 }]);
    assert.deepEqual(waysBack(live, wanted(live.split)), [allOn("blue"), ALL_LEGACY]);
  });

  it("is the color that last held 100 % after extraction", () => {
    const live = after([allOn("blue"), allOn("green")], "retired");
    assert.deepEqual(waysBack(live, wanted(live.split, "retired")), [allOn("blue")]);
  });

  it("is not the color that a rollback has just left", () => {
    const live = after([allOn("blue"), allOn("green"), allOn("blue")], "retired");
    assert.deepEqual(waysBack(live, wanted(live.split, "retired")), []);
  });

  it("is not a color that no longer runs", () => {
    const live = after([allOn("blue"), allOn("green")], "retired");
    assert.deepEqual(waysBack({ ...live, images: { green: "green:1" } }, wanted(live.split, "retired")), []);
  });

  it("is legacy from weights that somebody has edited, or the idle color once legacy is retired", () => {
    const tampered = { tampered: "its weights are all 0" };
    assert.deepEqual(waysBack(tampered, wanted(allOn("blue")))[0], ALL_LEGACY);
    assert.deepEqual(waysBack(tampered, wanted(allOn("blue"), "retired")), [allOn("green")]);
  });

  it("is a rollback in the rules' eyes whenever it leads to legacy, or back within a release", () => {
    fc.assert(
      fc.property(records, wantedTargets, (live, file) => {
        for (const split of waysBack(live, file)) {
          if (split.legacy === 100 || live.legacy === "retired") {
            assert.ok(isWayBack(live, { split, images: live.images }));
          }
        }
      }),
    );
  });

  it("is reached in one step, from where a second rollback leads no further than legacy", () => {
    fc.assert(
      fc.property(records, wantedTargets, (live, file) => {
        const [first] = waysBack(live, file);
        fc.pre(first !== undefined && live.legacy === "retired");
        const back = nextRecord("frontend", live, { ...live, split: first, adopt: false }, now);
        assert.deepEqual(waysBack(back, file), []);
      }),
    );
  });
});
