import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_LEGACY, holder, isWayBack, nextRecord, splitsEqual, toAnnotations } from "../../../migration";
import { calm, hoursLater, records, start, times, wantedTargets } from "./arbitraries";

const part = { legacy: 90, blue: 10, green: 0 };
const blue = { legacy: 0, blue: 100, green: 0 };

describe("next record", () => {
  it("starts on legacy without a live route", () => {
    const { transition, ...record } = nextRecord("frontend", undefined, calm(ALL_LEGACY), start);
    assert.match(transition, /^[0-9a-f]{12}$/);
    assert.deepEqual(record, {
      split: ALL_LEGACY,
      since: start,
      previous: ALL_LEGACY,
      heldFull: "legacy",
      images: { blue: "blue:1", green: "green:1" },
      legacy: "standby",
    });
  });

  it("remembers the last holder through a sequence of splits", () => {
    const partly = nextRecord(
      "frontend",
      nextRecord("frontend", undefined, calm(ALL_LEGACY), start),
      calm(part),
      start,
    );
    const fully = nextRecord("frontend", partly, calm(blue), hoursLater(1));
    assert.equal(fully.heldFull, "legacy");
    assert.deepEqual(fully.previous, part);
    assert.deepEqual(fully.since, hoursLater(1));
  });

  it("changes no annotation of the history while the split stays, however late it is", () => {
    fc.assert(
      fc.property(records, times, wantedTargets, (live, now, { images, legacy, adopt }) => {
        const next = nextRecord("frontend", live, { split: live.split, images, legacy, adopt }, now);
        const { since, previous, transition, retiredAt } = next;
        assert.deepEqual([since, previous, transition], [live.since, live.previous, live.transition]);
        assert.deepEqual([next.split, next.images, next.legacy], [live.split, images, legacy]);
        assert.equal(retiredAt !== undefined, legacy === "retired");
        assert.deepEqual(nextRecord("frontend", next, { ...next, adopt }, hoursLater(999)), next);
      }),
    );
  });

  it("forgets the standby of a release when its color gets another image", () => {
    const held = nextRecord(
      "frontend",
      nextRecord("frontend", undefined, calm(blue), start),
      calm({ legacy: 0, blue: 0, green: 100 }),
      start,
    );
    assert.equal(held.heldFull, "blue");
    const images = { blue: "blue:2", green: "green:1" };
    assert.equal(nextRecord("frontend", held, calm(held.split, { images }), start).heldFull, "green");
    assert.equal(nextRecord("frontend", held, calm(held.split), start).heldFull, "blue");
  });

  it("starts the clock, in whole seconds, and keeps the way back when the split changes", () => {
    fc.assert(
      fc.property(records, times, wantedTargets, (live, now, wanted) => {
        fc.pre(!splitsEqual(live.split, wanted.split));
        const next = nextRecord("frontend", live, wanted, now);
        assert.deepEqual(next.previous, live.split);
        const back = isWayBack(live, wanted) ? holder(wanted.split) : undefined;
        assert.equal(next.heldFull, back ?? holder(live.split) ?? live.heldFull);
        assert.equal(next.since.getTime(), Math.floor(now.getTime() / 1000) * 1000);
        assert.notEqual(next.transition, live.transition);
      }),
    );
  });

  it("names the same transition alike, so that an update that is repeated within a second changes nothing", () => {
    const live = nextRecord("frontend", undefined, calm(ALL_LEGACY), start);
    const [first, second] = [100, 900].map((milliseconds) =>
      toAnnotations(nextRecord("frontend", live, calm(part), new Date(start.getTime() + milliseconds))),
    );
    assert.deepEqual(first, second);
  });
});
