import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_LEGACY, COLORS, deriveStage, formatSplit, judge, nextRecord } from "../../../migration";
import type { Color, RouteRecord, Split, WantedTarget } from "../../../migration";
import { applyStep, candidateOf, formatStep, grownTo, stepsToExtracted } from "../../../migration/plan";
import { calm, hoursLater, judgeInput, records, soakHours, splits, start, times } from "./arbitraries";

const justBlue = { images: { blue: "blue:1" } };
const part: Split = { legacy: 90, blue: 10, green: 0 };
const half: Split = { legacy: 50, blue: 50, green: 0 };
const blue: Split = { legacy: 0, blue: 100, green: 0 };
const green: Split = { legacy: 0, blue: 0, green: 100 };
const retired = { legacy: "retired" } as const;

/** The route after updates at `start`, the first of them on a new stack. */
function history(...updates: readonly WantedTarget[]): RouteRecord {
  const fresh = nextRecord("frontend", undefined, calm(ALL_LEGACY), start);
  return updates.reduce((live, wanted) => nextRecord("frontend", live, wanted, start), fresh);
}

/** The steps' names after updates at `start`, the last of them still being what the file says. */
function plan(updates: readonly WantedTarget[], { hours = 1, to }: { hours?: number; to?: Color } = {}) {
  const wanted = updates.at(-1) ?? calm(ALL_LEGACY);
  return stepsToExtracted(history(...updates), wanted, soakHours, hoursLater(hours), to).map(formatStep);
}

describe("the plan of one target", () => {
  it("begins with the image that only the engineer can give", () => {
    assert.deepEqual(plan([calm(ALL_LEGACY, { images: {} })]), [
      "an image for blue",
      "10 % blue",
      "50 % blue",
      "100 % blue",
      "soak",
      "retire legacy",
    ]);
  });

  it("goes on from any weight to the next greater one", () => {
    const from30 = { legacy: 70, blue: 30, green: 0 };
    assert.deepEqual(plan([calm(from30, justBlue)]), ["50 % blue", "100 % blue", "soak", "retire legacy"]);
    assert.deepEqual(plan([calm(half, justBlue)])[0], "100 % blue");
  });

  it("knows the end of a soak that has begun, and only of such", () => {
    const soak = (updates: readonly WantedTarget[]) =>
      stepsToExtracted(history(...updates), calm(blue, justBlue), soakHours, hoursLater(1));
    assert.deepEqual(soak([calm(blue, justBlue)]), [
      { kind: "soak", until: hoursLater(24) },
      { kind: "retire" },
    ]);
    // The file asks for 100 %, the route doesn't have it yet.
    assert.deepEqual(soak([calm(half, justBlue)])[0], { kind: "soak", until: undefined });
  });

  it("ends with legacy's retirement when soaked, and is empty when extracted", () => {
    assert.deepEqual(plan([calm(blue, justBlue)], { hours: 24 }), ["retire legacy"]);
    const extracted = [calm(blue, justBlue), calm(blue, { ...justBlue, ...retired })];
    assert.deepEqual(plan(extracted, { hours: 24 }), []);
  });

  it("has no soak where none is asked for", () => {
    const steps = stepsToExtracted(history(), calm(half, justBlue), 0, start);
    assert.deepEqual(steps.map(formatStep), ["100 % blue", "retire legacy"]);
  });

  it("starts from the file where there is no route yet", () => {
    const steps = stepsToExtracted(undefined, calm(ALL_LEGACY, justBlue), soakHours, start);
    assert.equal(steps.length, 5);
    assert.deepEqual(steps[0], { kind: "traffic", color: "blue", split: part });
  });

  it("starts anew after a rollback", () => {
    assert.deepEqual(plan([calm(half, justBlue), calm(ALL_LEGACY, justBlue)])[0], "10 % blue");
  });

  it("gives the traffic to the colour that is asked for, whichever has it", () => {
    assert.deepEqual(plan([calm(ALL_LEGACY)], { to: "green" })[0], "10 % green");
    assert.deepEqual(plan([calm(ALL_LEGACY, justBlue)], { to: "green" })[0], "an image for green");
    assert.deepEqual(plan([calm(blue)], { to: "green", hours: 48 }), [
      "10 % green",
      "50 % green",
      "100 % green",
      "soak",
      "retire legacy",
    ]);
  });
});

describe("the plan of a release after extraction", () => {
  const extracted = [calm(blue, justBlue), calm(blue, { ...justBlue, ...retired })];

  it("moves traffic from one colour to the other, soaks, and retires nothing", () => {
    const updates = [...extracted, calm(blue, retired)];
    assert.deepEqual(plan(updates, { hours: 48 }), ["10 % green", "50 % green", "100 % green", "soak"]);
    const [first] = stepsToExtracted(history(...updates), calm(blue, retired), soakHours, hoursLater(48));
    assert.deepEqual(first, {
      kind: "traffic",
      color: "green",
      split: { legacy: 0, blue: 90, green: 10 },
    });
  });

  it("is over when soaked, though the standby still has its image", () => {
    const updates = [...extracted, calm(green, retired)];
    assert.deepEqual(plan(updates, { hours: 1 }), ["soak"]);
    assert.deepEqual(plan(updates, { hours: 24 }), []);
  });

  it("gives the standby a new release only when asked to", () => {
    const updates = [...extracted, calm(green, retired)];
    assert.deepEqual(plan(updates, { hours: 48, to: "blue" })[0], "10 % blue");
  });
});

describe("the candidate", () => {
  const shared = (legacy: number, onBlue: number, onGreen: number): Split => ({
    legacy,
    blue: onBlue,
    green: onGreen,
  });
  const of = (...updates: readonly WantedTarget[]) =>
    candidateOf(history(...updates), updates.at(-1) ?? calm(ALL_LEGACY));
  const cases: [text: string, expected: Color | undefined | "ambiguous", found: () => unknown][] = [
    ["is none while no colour has an image", undefined, () => of(calm(ALL_LEGACY, { images: {} }))],
    ["is the only colour with an image", "blue", () => of(calm(ALL_LEGACY, justBlue))],
    ["is open between two idle colours", "ambiguous", () => of(calm(ALL_LEGACY))],
    ["is the colour with traffic, whatever the other has staged", "green", () => of(calm(shared(90, 0, 10)))],
    ["is still it when it has all", "green", () => of(calm(green))],
    ["is the growing one of two", "green", () => of(calm(half), calm(shared(20, 50, 30)))],
    ["is open between two that grow at once", "ambiguous", () => of(calm(shared(20, 50, 30)))],
    [
      "of a release is the colour that didn't hold 100 % before, even half-way back",
      "green",
      () => of(calm(blue), calm(shared(0, 50, 50), retired), calm(shared(0, 90, 10), retired)),
    ],
    ["is told from the file alone where there is no route", "blue", () => candidateOf(undefined, calm(part))],
  ];
  for (const [text, expected, found] of cases) {
    it(text, () => {
      assert.equal(found(), expected);
    });
  }
});

describe("the config of a step", () => {
  it("changes the weights or legacy, and nothing else", () => {
    const wanted = calm(ALL_LEGACY, { adopt: true });
    assert.deepEqual(applyStep({ kind: "traffic", color: "blue", split: part }, wanted), {
      ...wanted,
      split: part,
    });
    assert.deepEqual(applyStep({ kind: "retire" }, calm(blue)), calm(blue, retired));
  });

  it("is none where time or an image is missing", () => {
    assert.equal(applyStep({ kind: "soak", until: undefined }, calm(blue)), undefined);
    assert.equal(applyStep({ kind: "stage", color: "blue" }, calm(ALL_LEGACY)), undefined);
  });
});

describe("a share that grows", () => {
  it("takes from legacy first, then from the other colour", () => {
    assert.equal(
      formatSplit(grownTo({ legacy: 30, blue: 50, green: 20 }, "green", 40)),
      "legacy 10 / blue 50 / green 40",
    );
    assert.equal(
      formatSplit(grownTo({ legacy: 30, blue: 50, green: 20 }, "green", 60)),
      "blue 40 / green 60",
    );
  });

  it("is the only one that grows, and all sum to 100", () => {
    fc.assert(
      fc.property(
        splits,
        fc.constantFrom(...COLORS),
        fc.integer({ min: 1, max: 100 }),
        (split, color, weight) => {
          fc.pre(weight > split[color]);
          const { legacy, blue: onBlue, green: onGreen } = grownTo(split, color, weight);
          assert.equal(legacy + onBlue + onGreen, 100);
          assert.equal({ blue: onBlue, green: onGreen }[color], weight);
          const other = color === "blue" ? "green" : "blue";
          assert.ok(legacy <= split.legacy && { blue: onBlue, green: onGreen }[other] <= split[other]);
        },
      ),
    );
  });

  it("doesn't fall, stay or pass 100", () => {
    for (const weight of [5, 10, 101]) {
      assert.throws(
        () => grownTo(part, "blue", weight),
        /^RangeError: blue: found \d+ %, expected more than 10/,
      );
    }
  });
});

describe("whoever follows the plan", () => {
  /** At most one release follows an extraction that leaves another image behind. */
  const mostSteps = 12;

  interface Walked {
    readonly record: RouteRecord;
    readonly now: Date;
  }

  /** Takes the first step of the plan, as an engineer would; undefined when nothing is left to do. */
  function walk({ record, now }: Walked): (Walked & { readonly judged: WantedTarget }) | undefined {
    const wanted: WantedTarget = { ...record, adopt: false };
    const [step] = stepsToExtracted(record, wanted, soakHours, now);
    if (step === undefined) return undefined;
    if (step.kind === "soak") return { record, now: step.until ?? assert.fail("no end"), judged: wanted };
    const next =
      step.kind === "stage"
        ? { ...wanted, images: { ...wanted.images, [step.color]: "staged:1" } }
        : (applyStep(step, wanted) ?? assert.fail(`no config for ${step.kind}`));
    const later = new Date(now.getTime() + 60_000);
    return { record: nextRecord("frontend", record, next, later), now: later, judged: next };
  }

  it("is extracted in a bounded number of steps, none of which the rules refuse", () => {
    const walked = { steps: 0, soaks: 0 };
    fc.assert(
      fc.property(records, times, (record, now) => {
        let at: Walked = { record, now };
        for (let steps = 0; ; steps++) {
          assert.ok(steps <= mostSteps, `still at ${formatSplit(at.record.split)}`);
          const next = walk(at);
          if (next === undefined) break;
          walked.steps++;
          if (next.record === at.record) walked.soaks++;
          const violations = judge(
            judgeInput({
              live: new Map([["frontend", at.record]]),
              applied: new Map([["frontend", at.record.split]]),
              wanted: new Map([["frontend", next.judged]]),
              now: next.now,
            }),
          );
          assert.deepEqual(violations, []);
          at = next;
        }
        assert.equal(deriveStage(at.record, soakHours, at.now), "extracted");
      }),
      { numRuns: 500 },
    );
    assert.ok(walked.steps > 1000 && walked.soaks > 100, JSON.stringify(walked));
  });

  it("never sees the candidate's share fall, nor any other grow", () => {
    fc.assert(
      fc.property(records, times, (record, now) => {
        const wanted = { ...record, adopt: false };
        const candidate = candidateOf(record, wanted);
        fc.pre(candidate !== "ambiguous" && candidate !== undefined);
        let before = record.split;
        for (const step of stepsToExtracted(record, wanted, soakHours, now)) {
          if (step.kind !== "traffic") continue;
          assert.equal(step.color, candidate);
          assert.ok(step.split[candidate] > before[candidate]);
          const grown = (["legacy", ...COLORS] as const).filter((each) => step.split[each] > before[each]);
          assert.deepEqual(grown, [candidate]);
          before = step.split;
        }
      }),
    );
  });

  it("finds after each step the rest of the plan, until legacy is retired", () => {
    const kinds = ({ record, now }: Walked) =>
      stepsToExtracted(record, { ...record, adopt: false }, soakHours, now).map(formatStep);
    fc.assert(
      fc.property(records, times, (record, now) => {
        fc.pre(record.legacy === "standby");
        const before = kinds({ record, now });
        const next = walk({ record, now });
        if (next === undefined || before[0] === "retire legacy") return;
        assert.deepEqual(kinds(next), before.slice(1));
      }),
    );
  });
});
