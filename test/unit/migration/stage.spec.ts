import assert from "node:assert/strict";
import fc from "fast-check";
import { deriveStage, holder, inFlight, soakEnds } from "../../../migration";
import type { RouteRecord, Stage } from "../../../migration";
import { hoursLater, records, soakHours, start, times } from "./arbitraries";

type Facts = Pick<RouteRecord, "split" | "since" | "images" | "legacy">;

const onLegacy = {
  split: { legacy: 100, blue: 0, green: 0 },
  since: start,
  images: {},
  legacy: "standby",
} as const;
const images = { blue: "blue:1" };
const onBlue = { ...onLegacy, split: { legacy: 0, blue: 100, green: 0 }, images } as const;
const shared = { legacy: 0, blue: 50, green: 50 };

describe("stage", () => {
  const cases: [stage: Stage, facts: Facts, hours: number][] = [
    ["legacy", onLegacy, 0],
    ["staged", { ...onLegacy, images }, 0],
    ["staged", { ...onLegacy, images: { green: "green:1" } }, 0],
    ["splitting", { ...onBlue, split: { legacy: 99, blue: 1, green: 0 } }, 999],
    ["splitting", { ...onBlue, split: shared }, 999],
    ["soaking", onBlue, 0],
    ["soaking", onBlue, 23.999],
    ["soaked", onBlue, 24],
    ["extracted", { ...onBlue, legacy: "retired" }, 24],
    ["releasing", { ...onBlue, legacy: "retired" }, 23.999],
    ["releasing", { ...onBlue, split: shared, legacy: "retired" }, 999],
  ];
  for (const [stage, facts, hours] of cases) {
    it(`is ${stage} ${hours} h after ${JSON.stringify(facts.split)}, legacy ${facts.legacy}`, () => {
      assert.equal(deriveStage(facts, soakHours, hoursLater(hours)), stage);
    });
  }

  it("passes over soaking where no soak is asked for", () => {
    assert.equal(deriveStage(onBlue, 0, start), "soaked");
  });

  it("is in flight while splitting or soaking, not while releasing", () => {
    const stages: Stage[] = ["legacy", "staged", "splitting", "soaking", "soaked", "extracted", "releasing"];
    assert.deepEqual(stages.filter(inFlight), ["splitting", "soaking"]);
  });

  it("changes with time alone only at the end of the soak", () => {
    fc.assert(
      fc.property(records, times, times, (record, one, other) => {
        const full = holder(record.split);
        const ends = soakEnds(record.since, soakHours);
        const sameSide = one < ends === other < ends;
        const same = deriveStage(record, soakHours, one) === deriveStage(record, soakHours, other);
        assert.equal(same, sameSide || full === undefined || full === "legacy");
      }),
    );
  });
});
