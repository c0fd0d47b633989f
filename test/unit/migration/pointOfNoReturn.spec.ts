import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALL_LEGACY,
  type Contraction,
  OVERRIDABLE_RULES,
  type RouteRecord,
  type Split,
  type Violation,
  type WantedTarget,
  allOn,
  fromRoute,
  isWayBack,
  judge,
  judgeUpdate,
  nextRecord,
  toAnnotations,
  waysBack,
} from "../../../migration";
import { hoursLater, judgeInput, records, start, wantedTargets } from "./arbitraries";

const target = "auth-service";
const now = hoursLater(100);
const instance = "auth-service-postgresql";
const restored = "auth-service-postgresql-20250811-090000";
const step = "registry/migrations@sha256:2";
const blue = allOn("blue");

function wanted(change: Partial<WantedTarget> = {}): WantedTarget {
  return {
    split: blue,
    images: { blue: "blue:1" },
    legacy: "retired",
    adopt: false,
    database: { instance, migration: step },
    ...change,
  };
}

function history(...updates: readonly WantedTarget[]): RouteRecord {
  const first = nextRecord(target, undefined, wanted({ split: ALL_LEGACY, legacy: "standby" }), start);
  return updates.reduce((live, next) => nextRecord(target, live, next, start), first);
}
const extracted = history(wanted({ legacy: "standby" }), wanted());
const contracted = nextRecord(target, extracted, wanted({ contracts: true }), start);

function judged(file: WantedTarget, contraction?: Contraction): Violation[] {
  const facts = { wanted: step, applied: step, prepared: [], contract: undefined };
  return judge(
    judgeInput({
      live: new Map([[target, contracted]]),
      applied: new Map([[target, blue]]),
      wanted: new Map([[target, file]]),
      schemaSteps: new Map([[target, { ...facts, ...(contraction && { contraction }) }]]),
      now,
    }),
  ).filter(({ rule }) => rule === "point-of-no-return");
}
const fix = `cutover restore ${target}, to a moment before the step (cutover migrate ${target} --status names it), or leave this as it was`;

describe("a route past a contract step", () => {
  it("says of which instance, and reads back as the same", () => {
    assert.equal(contracted.contracted, instance);
    const annotations = toAnnotations(contracted);
    assert.equal(annotations["pyairtable.dev/contracted"], instance);
    assert.deepEqual(fromRoute(target, blue, annotations), contracted);
    assert.ok(!("pyairtable.dev/contracted" in toAnnotations(extracted)));
  });

  it("stays it for later steps, and where nobody says which instance is in use", () => {
    const later = nextRecord(target, contracted, wanted({ database: { instance, migration: "later" } }), now);
    assert.equal(later.contracted, instance);
    const unknown: WantedTarget = {
      split: blue,
      images: { blue: "blue:1" },
      legacy: "retired",
      adopt: false,
    };
    assert.equal(nextRecord(target, contracted, unknown, now).contracted, instance);
  });

  it("is past it no more on an instance that was restored to before the step, and names no step", () => {
    assert.ok(
      !("contracted" in nextRecord(target, contracted, wanted({ database: { instance: restored } }), now)),
    );
  });

  it("is past it on an instance that was restored to a later moment, which still has the step", () => {
    const file = wanted({ database: { instance: restored, migration: step } });
    assert.equal(nextRecord(target, contracted, file, now).contracted, restored);
  });

  it("has no way back to legacy, nor to what stood by before the step", () => {
    assert.deepEqual(waysBack(contracted, wanted()), []);
    assert.deepEqual(waysBack({ ...contracted, legacy: "standby" }, wanted({ legacy: "standby" })), []);
    const again = nextRecord(
      target,
      contracted,
      wanted({ images: { blue: "blue:1", green: "green:0" } }),
      now,
    );
    assert.deepEqual(waysBack(again, wanted()), []);
  });

  it("has a way back from a later release to the one that the step found", () => {
    const both = { images: { blue: "blue:1", green: "green:2" } };
    const green = nextRecord(target, contracted, wanted({ ...both, split: allOn("green") }), now);
    assert.deepEqual(waysBack(green, wanted(both)), [blue]);
  });
});

describe("rule point-of-no-return", () => {
  it("refuses that legacy gets traffic, by which it would lose what users write", () => {
    assert.deepEqual(judged(wanted({ split: ALL_LEGACY, legacy: "standby" })), [
      {
        target,
        rule: "point-of-no-return",
        key: "pyairtable:auth-service.traffic",
        found: "legacy 100",
        expected: `legacy: retired, because the schema of ${instance} is past a contract step, which legacy can't live with`,
        fix,
      },
    ]);
  });

  it("refuses that legacy stands by", () => {
    assert.deepEqual(
      judged(wanted({ legacy: "standby" })).map(({ key, found }) => [key, found]),
      [["pyairtable:auth-service.legacy", "standby"]],
    );
  });

  it("refuses a file that doesn't name the step, as a revert leaves it", () => {
    assert.deepEqual(judged(wanted({ database: { instance } })), [
      {
        target,
        rule: "point-of-no-return",
        key: "pyairtable:auth-service.database.migration",
        found: "none",
        expected: `the contract step that the schema of ${instance} is past, or a later step`,
        fix,
      },
    ]);
  });

  it("says all of it of a file that goes back altogether, and holds it up", () => {
    const file = wanted({ split: ALL_LEGACY, legacy: "standby", database: { instance } });
    assert.deepEqual(
      judged(file).map(({ key }) => key),
      ["pyairtable:auth-service.traffic", "pyairtable:auth-service.database.migration"],
    );
    const input = judgeInput({
      live: new Map([[target, contracted]]),
      applied: new Map([[target, blue]]),
      wanted: new Map([[target, file]]),
      now,
    });
    assert.equal(judgeUpdate(input).refused.length, 2);
  });

  it("refuses nothing of a file that stays, nor of a restore, nor of a later step", () => {
    for (const database of [
      { instance, migration: step },
      { instance, migration: "registry/migrations@sha256:3" },
      { instance: restored },
      { instance: restored, migration: step },
    ]) {
      assert.deepEqual(judged(wanted({ database })), [], JSON.stringify(database));
    }
  });

  it("brings legacy back only after the restore, not with it", () => {
    const file = wanted({ split: ALL_LEGACY, legacy: "standby", database: { instance: restored } });
    assert.equal(judged(file).length, 1);
    const after = nextRecord(target, contracted, wanted({ database: { instance: restored } }), now);
    assert.ok(isWayBack(after, file));
  });

  it("lets a step be given up whose attempts have all failed, but for that no legacy is called back with it", () => {
    assert.deepEqual(judged(wanted({ database: { instance } }), "failed"), []);
    assert.equal(judged(wanted({ database: { instance } }), "begun").length, 1);
    const file = wanted({ split: ALL_LEGACY, legacy: "standby", database: { instance } });
    assert.equal(judged(file, "failed").length, 1);
  });

  it("can't be set aside", () => {
    assert.ok(!(OVERRIDABLE_RULES as readonly string[]).includes("point-of-no-return"));
  });

  it("refuses legacy over any history past a contract step, and is silent over any other", () => {
    const seen = { past: 0, refused: 0 };
    fc.assert(
      fc.property(records, wantedTargets, fc.boolean(), (live, file, isPast) => {
        const route = isPast ? { ...live, contracted: instance } : live;
        const found = judge(
          judgeInput({
            live: new Map([[target, route]]),
            applied: new Map<typeof target, Split>(),
            wanted: new Map([[target, file]]),
            now,
          }),
        ).filter(({ rule }) => rule === "point-of-no-return");
        assert.equal(found.length > 0, isPast && file.legacy === "standby" && !isWayBack(route, file));
        if (isPast) assert.ok(!(isWayBack(route, file) && file.split.legacy > live.split.legacy));
        if (isPast) seen.past++;
        seen.refused += found.length;
      }),
      { numRuns: 1_000 },
    );
    assert.ok(seen.past > 100 && seen.refused > 50, JSON.stringify(seen));
  });
});
