import assert from "node:assert/strict";
import fc from "fast-check";
import { roadTo } from "../../../cutover/road";
import {
  ALL_LEGACY,
  type RouteRecord,
  type Split,
  allOn,
  isWayBack,
  nextRecord,
  splitsEqual,
} from "../../../migration";
import { calm, records, start, wantedTargets } from "../migration/arbitraries";

const some: Split = { legacy: 90, blue: 10, green: 0 };
const tampered = { tampered: "weights" };

function live(split: Split, legacy: "standby" | "retired" = "standby"): RouteRecord {
  return nextRecord("frontend", undefined, calm(split, { legacy }), start);
}

describe("the road of a target when the whole stack goes back", () => {
  it("is the fast one towards legacy, retired or not: every route names it", () => {
    assert.equal(roadTo(live(some), calm(ALL_LEGACY)), "fast");
    assert.equal(roadTo(live(allOn("blue")), calm(some)), "fast");
    assert.equal(roadTo(live(allOn("blue"), "retired"), calm(ALL_LEGACY)), "fast");
  });

  it("is none towards legacy past a contract step, after which that can't live with the schema", () => {
    const contracted = { ...live(allOn("blue"), "retired"), contracted: "frontend-postgresql" };
    assert.equal(roadTo(contracted, calm(ALL_LEGACY)), "forward");
  });

  it("is none where the traffic is there", () => {
    assert.equal(roadTo(live(some), calm(some)), "there");
  });

  it("is the rules' business when it leads forward", () => {
    assert.equal(roadTo(live(ALL_LEGACY), calm(some)), "forward");
    assert.equal(roadTo(live(some), calm(allOn("blue"))), "forward");
  });

  it("leads only to legacy where the live route can't be believed or is missing", () => {
    for (const route of [tampered, undefined]) {
      assert.equal(roadTo(route, calm(ALL_LEGACY)), "fast");
      assert.equal(roadTo(route, calm(some)), "forward");
    }
  });

  it("writes a route at once only for what no rule would be shown", () => {
    fc.assert(
      fc.property(records, wantedTargets, (record, wanted) => {
        const road = roadTo(record, wanted);
        if (road === "fast") assert.ok(isWayBack(record, wanted));
        assert.equal(road === "there", splitsEqual(record.split, wanted.split));
      }),
    );
  });
});
