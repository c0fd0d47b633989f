import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALL_LEGACY,
  COLORS,
  OVERRIDABLE_RULES,
  type LiveRoute,
  type RouteRecord,
  type SchemaStep,
  type SignOff,
  type Split,
  type Violation,
  type WantedTarget,
  deriveStage,
  isWayBack,
  judge,
  nextRecord,
  splitsEqual,
} from "../../../migration";
import { calm, hoursLater, judgeInput, records, soakHours, start, times, wantedTargets } from "./arbitraries";

const target = "auth-service";
const image = "registry/migrations@sha256:2";
const old = "registry/migrations@sha256:1";
const blue: Split = { legacy: 0, blue: 100, green: 0 };
const green: Split = { legacy: 0, blue: 0, green: 100 };
const part: Split = { legacy: 90, blue: 10, green: 0 };
const retired = { legacy: "retired" } as const;
const now = hoursLater(100);

function history(...updates: readonly WantedTarget[]): RouteRecord {
  return updates.reduce(
    (live, wanted) => nextRecord(target, live, wanted, start),
    nextRecord(target, undefined, calm(ALL_LEGACY), start),
  );
}

const onLegacy = history();
const onBlue = calm(blue, { ...retired, images: { blue: "blue:1" } });
/** Blue is all that is left. */
const extracted = history(calm(blue), calm(blue, retired), onBlue);

const signed = (role: SignOff["role"], change: Partial<SignOff> = {}): SignOff => ({
  by: "Grace",
  role,
  at: start,
  until: hoursLater(1_000),
  for: "PYA-7",
  ...change,
});
const both = { ticket: "PYA-7", signOffs: [signed("product-manager"), signed("technical-lead")] };

function step(change: Partial<SchemaStep> = {}): SchemaStep {
  return { wanted: image, applied: undefined, prepared: [], contract: undefined, ...change };
}
const expand = step({ prepared: [{ image, kind: "expand" }] });
const contract = step({ prepared: [{ image, kind: "contract" }], contract: both });

function judged(
  live: LiveRoute,
  wanted: WantedTarget,
  schema: SchemaStep | undefined,
  at: Date = now,
): Violation[] {
  const violations = judge(
    judgeInput({
      live: new Map([[target, live]]),
      applied: new Map(),
      wanted: new Map([[target, wanted]]),
      schemaSteps: new Map(schema && [[target, schema]]),
      now: at,
    }),
  );
  return violations.filter(({ rule }) => rule === "schema-step");
}

describe("rule schema-step", () => {
  it("refuses a step that wasn't tried on a shadow, and says what to type", () => {
    assert.deepEqual(judged(onLegacy, calm(ALL_LEGACY), step()), [
      {
        target,
        rule: "schema-step",
        key: "pyairtable:auth-service.database.migration",
        found: "sha256:2, which was not prepared",
        expected: "a step that was tried on a shadow of the very data that it is for",
        fix: "cutover migrate auth-service --prepare",
      },
    ]);
  });

  it("takes no other step's evidence", () => {
    const prepared = [{ image: old, kind: "expand" }] as const;
    assert.equal(judged(onLegacy, calm(part), step({ prepared })).length, 1);
  });

  it("knows a step by its digest, in whichever registry it lies", () => {
    const prepared = [{ image: "elsewhere/migrations@sha256:2", kind: "expand" }] as const;
    assert.deepEqual(judged(onLegacy, calm(part), step({ prepared })), []);
  });

  it("lets an expand step go, wherever the target is", () => {
    for (const [live, wanted] of [
      [onLegacy, calm(ALL_LEGACY)],
      [onLegacy, calm(part)],
      [extracted, calm({ legacy: 0, blue: 90, green: 10 }, retired)],
    ] as const) {
      assert.deepEqual(judged(live, wanted, expand), []);
    }
  });

  it("counts the newest trial", () => {
    const prepared = [
      { image, kind: "contract" },
      { image, kind: "expand" },
    ] as const;
    assert.equal(judged(onLegacy, calm(ALL_LEGACY), step({ prepared, contract: both })).length, 1);
    assert.deepEqual(judged(onLegacy, calm(ALL_LEGACY), step({ prepared: prepared.toReversed() })), []);
  });

  it("asks nothing once it is applied, nor of a target whose releases need none", () => {
    assert.deepEqual(judged(onLegacy, calm(part), step({ applied: image })), []);
    assert.deepEqual(judged(onLegacy, calm(part), undefined), []);
    assert.equal(judged(onLegacy, calm(part), step({ applied: old })).length, 1);
  });

  it("lets a contract step go where nobody is left who knows the old schema, and both have signed", () => {
    assert.deepEqual(judged(extracted, onBlue, contract), []);
  });

  it("refuses a contract step while a release from before it stands by, as a rollback would lead there", () => {
    const withGreen = nextRecord(target, extracted, calm(blue, retired), start);
    for (const wanted of [calm(blue, retired), onBlue]) {
      assert.deepEqual(judged(withGreen, wanted, contract), [
        {
          target,
          rule: "schema-step",
          key: "pyairtable:auth-service.green",
          found: "a contract step while green stands by as green:1",
          expected: "no release but the one with the traffic: from this step on there is none to go back to",
          fix: "take pyairtable:auth-service.green out of the file, and update, before the step",
        },
      ]);
    }
    assert.deepEqual(judged(extracted, calm(blue, retired), contract), [], "one that comes after it");
  });

  const early: Readonly<Record<string, readonly [RouteRecord, WantedTarget, string]>> = {
    "legacy has the traffic": [onLegacy, calm(ALL_LEGACY), "a contract step with legacy: standby"],
    "legacy is the way back": [history(calm(blue)), calm(blue), "a contract step with legacy: standby"],
    "legacy is retired in the same update": [
      history(calm(blue)),
      calm(blue, retired),
      "a contract step with legacy: standby",
    ],
    "a release is moved too": [
      extracted,
      calm({ legacy: 0, blue: 90, green: 10 }, retired),
      "a contract step while auth-service is moved too",
    ],
  };
  for (const [name, [live, wanted, found]] of Object.entries(early)) {
    it(`refuses a contract step while ${name}`, () => {
      const violations = judged(live, wanted, contract);
      assert.deepEqual(
        violations.map((violation) => violation.found),
        [found],
      );
    });
  }

  it("refuses a contract step while a release soaks, whose standby may be needed", () => {
    const onGreen = calm(green, retired);
    const releasing = nextRecord(target, extracted, onGreen, hoursLater(99));
    const foundIn = (live: LiveRoute, at: Date) =>
      judged(live, onGreen, contract, at).map(({ found }) => found);
    const standsBy = "a contract step while blue stands by as blue:1";
    assert.deepEqual(foundIn(releasing, now), ["a contract step while auth-service is releasing", standsBy]);
    const soaked = hoursLater(99 + soakHours);
    assert.deepEqual(foundIn(releasing, soaked), [standsBy]);
    assert.deepEqual(foundIn({ ...releasing, images: { green: "green:1" } }, soaked), []);
  });

  const unsigned: Readonly<Record<string, readonly [SchemaStep["contract"], string]>> = {
    "nobody wants it": [undefined, "sha256:2 is a contract step, signed off by nobody at this time"],
    "one of them": [
      { ticket: "PYA-7", signOffs: [signed("technical-lead")] },
      "sha256:2 is a contract step (PYA-7), signed off by technical-lead at this time",
    ],
    "another ticket": [
      { ticket: "PYA-8", signOffs: both.signOffs },
      "sha256:2 is a contract step (PYA-8), signed off by nobody at this time",
    ],
    "a time that is over": [
      {
        ticket: "PYA-7",
        signOffs: [signed("product-manager"), signed("technical-lead", { until: hoursLater(1) })],
      },
      "sha256:2 is a contract step (PYA-7), signed off by product-manager at this time",
    ],
  };
  for (const [name, [given, found]] of Object.entries(unsigned)) {
    it(`refuses a contract step whose sign-offs are of ${name}`, () => {
      assert.deepEqual(judged(extracted, onBlue, { ...contract, contract: given }), [
        {
          target,
          rule: "schema-step",
          key: "pyairtable:auth-service.database.contract",
          found,
          expected: "sign-offs that hold now by product-manager and technical-lead",
          fix: "record them under pyairtable:auth-service.database.contract (ticket, signOffs), each for that ticket",
        },
      ]);
    });
  }

  it("can't be set aside", () => {
    assert.ok(!(OVERRIDABLE_RULES as readonly string[]).includes("schema-step"));
  });

  const steps = fc.record({
    applied: fc.constantFrom(undefined, old, image),
    prepared: fc.constantFrom<SchemaStep["prepared"]>(
      [],
      [{ image: old, kind: "contract" }],
      [{ image, kind: "expand" }],
      [{ image, kind: "contract" }],
    ),
    contract: fc.constantFrom(undefined, both, { ...both, ticket: "PYA-8" }),
  });

  it("says what its statement says, over any history, and never refuses a way back", () => {
    const seen = { refused: 0, allowed: 0, back: 0 };
    fc.assert(
      fc.property(records, wantedTargets, steps, times, (live, wanted, change, at) => {
        const refused = judged(live, wanted, step(change), at).length > 0;
        const isBack = isWayBack(live, wanted);
        // The statement: each step is tried first; a contract step has nobody to go back to, and is signed for.
        const [trial] = change.prepared.filter((each) => each.image === image);
        const isDone = change.applied === image;
        const isAlone =
          deriveStage(live, soakHours, at) === "extracted" &&
          wanted.legacy === "retired" &&
          splitsEqual(live.split, wanted.split) &&
          COLORS.every((color) => live.split[color] > 0 || live.images[color] === undefined);
        const mayRun =
          trial !== undefined && (trial.kind === "expand" || (isAlone && change.contract === both));
        assert.equal(refused, !isBack && !isDone && !mayRun);
        seen[isBack ? "back" : refused ? "refused" : "allowed"]++;
      }),
      { numRuns: 3_000 },
    );
    assert.ok(seen.refused > 50 && seen.allowed > 50 && seen.back > 50, JSON.stringify(seen));
  });
});
