import assert from "node:assert/strict";
import fc from "fast-check";
import type { RoutedTargetName } from "../../../catalog";
import {
  ALL_LEGACY,
  deriveStage,
  inFlight,
  isTowardsLegacy,
  judge,
  nextRecord,
  splitsEqual,
} from "../../../migration";
import type { LiveRoute, RouteRecord, Split, WantedTarget } from "../../../migration";
import { calm, judgeInput, records, soakHours, splits, start, times, wantedTargets } from "./arbitraries";

const names = ["frontend", "api-gateway", "auth-service"] as const satisfies RoutedTargetName[];

interface State {
  readonly live: ReadonlyMap<RoutedTargetName, RouteRecord>;
  readonly applied: ReadonlyMap<RoutedTargetName, Split>;
}

const fresh: State = {
  live: new Map(names.map((name) => [name, nextRecord(name, undefined, calm(ALL_LEGACY), start)])),
  applied: new Map(names.map((name) => [name, ALL_LEGACY])),
};

function apply(state: State, wanted: ReadonlyMap<RoutedTargetName, WantedTarget>, now: Date): State {
  return {
    live: new Map(
      [...wanted].map(([name, target]) => [name, nextRecord(name, state.live.get(name), target, now)]),
    ),
    applied: new Map([...wanted].map(([name, { split }]) => [name, split])),
  };
}

const wantedOfAll = fc.tuple(wantedTargets, wantedTargets, wantedTargets).map((wanted) => zip(wanted));

function zip<T>([a, b, c]: readonly [T, T, T]): ReadonlyMap<RoutedTargetName, T> {
  return new Map([
    [names[0], a],
    [names[1], b],
    [names[2], c],
  ]);
}

describe("the rules", () => {
  it("never refuse a transition towards legacy, whatever else is wanted, live or applied", () => {
    fc.assert(
      fc.property(
        records,
        wantedTargets,
        wantedOfAll,
        splits,
        times,
        (live, wanted, others, applied, now) => {
          fc.pre(isTowardsLegacy(live.split, wanted.split));
          const violations = judge(
            judgeInput({
              live: new Map([["frontend", live]]),
              applied: new Map([["frontend", applied]]),
              wanted: new Map([...others, ["frontend", wanted]]),
              now,
            }),
          );
          assert.deepEqual(
            violations.filter(({ target }) => target === "frontend"),
            [],
          );
        },
      ),
    );
  });

  it("never refuse to send everything to legacy, even from a route that was edited or is gone", () => {
    const routes = fc.oneof(records, fc.constant({ tampered: "edited" }), fc.constant(undefined));
    fc.assert(
      fc.property(routes, wantedTargets, splits, times, (route, wanted, applied, now) => {
        fc.pre(route === undefined || "tampered" in route || route.split.legacy < 100);
        const live = new Map<RoutedTargetName, LiveRoute>(route ? [["frontend", route]] : []);
        const back = { ...wanted, split: ALL_LEGACY, legacy: "standby" } as const;
        const violations = judge(
          judgeInput({
            live,
            applied: new Map([["frontend", applied]]),
            wanted: new Map([["frontend", back]]),
            now,
          }),
        );
        assert.deepEqual(violations, []);
      }),
    );
  });

  it("find nothing in what they have accepted, once it is applied", () => {
    fc.assert(
      fc.property(records, wantedTargets, times, (live, wanted, now) => {
        const state = {
          live: new Map([["frontend", live] as const]),
          applied: new Map([["frontend", live.split] as const]),
        };
        const all = new Map([["frontend", wanted] as const]);
        fc.pre(judge(judgeInput({ ...state, wanted: all, now })).length === 0);
        assert.deepEqual(judge(judgeInput({ ...apply(state, all, now), wanted: all, now })), []);
      }),
    );
  });

  it("never let a second target into flight, nor lose the standby of one that soaks, over whole histories", () => {
    /** An update of one or more targets after some hours; `undefined` leaves a target as it is. */
    const update = fc.record({
      hours: fc.integer({ min: 0, max: 30 }),
      wanted: fc.tuple(
        ...([0, 1, 2] as const).map(() => fc.option(wantedTargets, { nil: undefined, freq: 2 })),
      ),
    });
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(fc.array(update, { maxLength: 30 }), (updates) => {
        let state = fresh;
        let time = start.getTime();
        for (const { hours, wanted } of updates) {
          time += hours * 3_600_000;
          const now = new Date(time);
          const next = new Map(
            names.map((name, index) => {
              const live = state.live.get(name);
              assert.ok(live);
              return [name, comparable(live, wanted[index] ?? { ...live, adopt: false })];
            }),
          );
          if (judge(judgeInput({ ...state, wanted: next, now })).length > 0) {
            refused++;
            continue;
          }
          accepted++;
          const after = apply(state, next, now);
          assertSafe(state, after, now);
          state = after;
        }
      }),
      { numRuns: 300 },
    );
    assert.ok(accepted > 100 && refused > 100, `accepted ${accepted}, refused ${refused}`);
  });
});

/**
 * Ways back are always allowed, and may leave two targets in flight (half-way back from soaked): histories here
 * go back to legacy entirely, and don't bring back a legacy that was retired.
 */
function comparable(live: RouteRecord, wanted: WantedTarget): WantedTarget {
  if (isTowardsLegacy(live.split, wanted.split)) return { ...wanted, split: ALL_LEGACY, legacy: "standby" };
  if (live.legacy === "retired" && wanted.split.legacy === 0) return { ...wanted, legacy: "retired" };
  return wanted;
}

function assertSafe(before: State, after: State, now: Date): void {
  const flying = [...after.live].filter(([, record]) => inFlight(deriveStage(record, soakHours, now)));
  assert.ok(flying.length <= 1, `in flight: ${flying.map(([name]) => name).join(", ")}`);
  for (const [name, { split, heldFull, images, legacy }] of before.live) {
    const next = after.live.get(name);
    assert.ok(next);
    const soaking = ["soaking", "releasing"].includes(deriveStage({ ...next, split }, soakHours, now));
    if (!soaking || !splitsEqual(split, next.split)) continue;
    if (heldFull === "legacy") assert.equal(next.legacy, legacy, name);
    else if (images[heldFull] !== undefined) assert.equal(next.images[heldFull], images[heldFull], name);
  }
}
