import assert from "node:assert/strict";
import fc from "fast-check";
import type { Shot } from "../../../local/load/shot";
import { ALL_LEGACY, allOn, splitHash } from "../../../migration";
import { backAt, lostAround } from "../../incidents/outcome";

const target = "frontend";
const before = splitHash(target, allOn("blue"));
const after = splitHash(target, ALL_LEGACY);

const shot = (sentAt: number, routeHash: string | undefined, status = 200): Shot => ({
  ...{ target, sentAt, latencyMs: 5, status, error: "", backend: "legacy", routeHash },
});
const of = (shots: readonly Shot[], began = 0): number | undefined =>
  backAt(shots, ALL_LEGACY, [target], began);

describe("when traffic was back after an incident", () => {
  it("is the last request that went elsewhere, however the answers came", () => {
    assert.equal(of([shot(40, after), shot(10, before), shot(30, after), shot(35, before)]), 35);
  });

  it("is the first one under the new split, when nobody answered before", () => {
    assert.equal(of([shot(10, undefined, 0), shot(30, after), shot(40, after)]), 30);
  });

  it("is never, when nothing was answered under the new split since it began", () => {
    assert.equal(of([shot(10, after), shot(30, before)], 20), undefined);
    assert.equal(of([]), undefined);
  });

  it("is when the last of several targets was", () => {
    const docs = splitHash("docs", ALL_LEGACY);
    const shots = [shot(30, after), { ...shot(50, docs), target: "docs" }];
    assert.equal(backAt(shots, ALL_LEGACY, [target, "docs"], 0), 50);
    assert.equal(backAt([shot(30, after)], ALL_LEGACY, [target, "docs"], 0), undefined);
  });

  it("is not before anything that was answered under another split", () => {
    const shots = fc.array(
      fc.record({ sentAt: fc.integer({ min: 1, max: 1000 }), hash: fc.constantFrom(before, after) }),
    );
    fc.assert(
      fc.property(shots, (drawn) => {
        const back = of(drawn.map(({ sentAt, hash }) => shot(sentAt, hash)));
        const isThere = drawn.some(({ hash }) => hash === after);
        assert.equal(back !== undefined, isThere);
        if (back === undefined) return;
        assert.ok(drawn.every(({ sentAt, hash }) => hash === after || sentAt <= back));
      }),
    );
  });
});

describe("what was lost in an incident", () => {
  const shots = [shot(10, before, 500), shot(20, before), shot(90, after, 500), shot(500, after, 0)];

  it("counts as lost afterwards only once all of the proxy has the new route", () => {
    assert.deepEqual(lostAround(shots, 20), { lostUntilBack: 2, lostAfter: 1 });
  });

  it("is all lost before, when traffic never was back", () => {
    assert.deepEqual(lostAround(shots, undefined), { lostUntilBack: 3, lostAfter: 0 });
  });
});
