import assert from "node:assert/strict";
import { type DataCase, caseOf, dataCases, nameOf, roundOf } from "../../data/cases";
import { seeded } from "../../faults/random";

/** All rounds until none is open. */
function rounds(seed: number): DataCase[][] {
  const done: DataCase[][] = [];
  let open = dataCases;
  while (open.length > 0) {
    const round = [...roundOf(open, seeded(seed + done.length)).values()];
    assert.ok(round.length > 0, "a round without a kill");
    done.push(round);
    open = open.filter((each) => !round.includes(each));
  }
  return done;
}

describe("the kills on a step's way", () => {
  it("are each there once, and each has its name", () => {
    assert.equal(new Set(dataCases.map(nameOf)).size, dataCases.length);
    const found = caseOf("down", "cutover", "backup running");
    assert.equal(nameOf(found), 'down: cutover at "backup running"');
    assert.throws(() => caseOf("down", "pulumi up", "backup running"), RangeError);
  });

  it("all happen, in any order, one on each leg, with PostgreSQL killed once on a way", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const all = rounds(seed * 1000);
      assert.deepEqual(all.flat().map(nameOf).toSorted(), dataCases.map(nameOf).toSorted());
      for (const round of all) {
        assert.equal(new Set(round.map(({ point }) => point.leg)).size, round.length);
        assert.ok(round.filter(({ victim }) => victim === "PostgreSQL").length <= 1);
      }
      const ways = dataCases.filter(({ point }) => point.leg === "to 50 %").length;
      assert.ok(all.length <= ways + 2, `${all.length} ways, of which ${ways} are needed`);
    }
  });
});
