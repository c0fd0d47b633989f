import assert from "node:assert/strict";
import { freeColor } from "../../../cutover/freeColor";
import { judgeInput } from "../migration/arbitraries";
import type { Case } from "./situations";
import { blue, extracted, half, part, situation, staged, start } from "./situations";
import { COLORS, type Color, type Violation, judge } from "../../../migration";
import type { RoutedTargetName } from "../../../catalog";

const other = `registry/app@sha256:${"b".repeat(64)}`;
const fresh = `registry/app@sha256:${"c".repeat(64)}`;

/** Where a new image for frontend goes, by what the rules really say of it. */
function pick(given: Case, also: readonly Violation[] = []): Color {
  const { targets, at } = situation(given);
  const place = targets.find(({ target }) => target === "frontend");
  assert.ok(place);
  const judged = (color: Color): Violation[] => {
    const { wanted, split, images, legacy } = place;
    assert.ok(split);
    const released = legacy === "retired" && images.green !== undefined;
    const record = {
      ...{ split, images, legacy, since: place.since ?? start, previous: split, transition: "t" },
      heldFull: released ? ("green" as const) : ("legacy" as const),
    };
    const changed = { ...wanted, images: { ...wanted.images, [color]: fresh } };
    const one = <T>(value: T): Map<RoutedTargetName, T> => new Map([["frontend", value]]);
    return [
      ...judge(judgeInput({ live: one(record), applied: one(split), wanted: one(changed), now: at })),
      ...also,
    ];
  };
  return freeColor(place, judged);
}

const refused = (given: Case, name: string, message: RegExp): void =>
  assert.throws(() => pick(given), { name, message });

describe("the colour that a new image goes into", () => {
  it("is blue on the way out of the monorepo, as in the plan", () => {
    assert.equal(pick({ file: { frontend: { blue: undefined } } }), "blue");
  });

  it("is the one without traffic", () => {
    assert.equal(pick({ file: { frontend: { ...staged, traffic: part } } }), "green");
    assert.equal(pick({ file: { frontend: extracted } }), "green");
    assert.equal(pick({ file: { frontend: { ...extracted, green: other } }, at: 25 }), "green");
  });

  it("is not one that has traffic on the route or in the file alone", () => {
    const both = { ...staged, green: other };
    const before = { frontend: { ...both, traffic: half } };
    assert.equal(pick({ before, file: { frontend: both } }), "green");
    assert.equal(
      pick({ before: { frontend: both }, file: { frontend: { ...both, traffic: half } } }),
      "green",
    );
  });

  it("must be said where both are idle, and one or both hold an image", () => {
    refused(
      { file: { frontend: staged } },
      "UsageError",
      /^frontend: blue \(aaaaaaaaaaaa\) and green \(no image\) are both free, expected --color blue or --color green; nothing was changed\.$/,
    );
    refused(
      { file: { frontend: { ...staged, green: other } } },
      "UsageError",
      /green \(bbbbbbbbbbbb\) are both free/,
    );
  });

  it("is none while both have traffic", () => {
    const traffic = { legacy: 0, blue: 60, green: 40 };
    refused(
      { file: { frontend: { ...staged, green: other, traffic, legacy: "retired" } } },
      "Refused",
      /^frontend: no colour is free; nothing was changed\.\n {2}blue has 60 % of the traffic\n {2}green has 40 % of the traffic$/,
    );
  });

  it("is none while the other one is the standby of a soak, and says until when", () => {
    const file = { frontend: { ...extracted, green: other } };
    refused(
      { file, at: 1 },
      "Refused",
      /blue has 100 % of the traffic\nfrontend\n {2}pyairtable:frontend\.green \(standby-while-soaking\)\n[^]*not before 2026-11-24T08:00:00Z$/,
    );
  });

  it("is chosen without regard to what refuses the image in any colour: that is said afterwards", () => {
    const frozen = COLORS.map((color) => ({
      target: "frontend" as const,
      key: `pyairtable:frontend.${color}`,
      rule: "freeze",
      found: "a new image",
      expected: "none",
      fix: "wait",
    }));
    assert.equal(pick({ file: { frontend: { ...staged, traffic: blue } } }, frozen), "green");
  });
});
