import assert from "node:assert/strict";
import {
  ALL_LEGACY,
  CHANGE_KINDS,
  type Change,
  type JudgeInput,
  type Phase,
  ROLES,
  type SignOff,
  allOn,
  judge,
  nextRecord,
} from "../../../migration";
import { approvalFor } from "../../../migration/freeze";
import { calm, hoursLater, judgeInput, soakHours, start } from "./arbitraries";

const blue = allOn("blue");
const retired = { legacy: "retired" } as const;
const now = hoursLater(soakHours);
const extracted = nextRecord(
  "frontend",
  nextRecord("frontend", undefined, calm(ALL_LEGACY), start),
  calm(blue, retired),
  start,
);
const released = calm(blue, { ...retired, images: { blue: "blue:1", green: "app@sha256:2" } });

const signOff = (role: SignOff["role"], changes: Partial<SignOff> = {}): SignOff => ({
  by: "Ada",
  role,
  at: start,
  until: hoursLater(100),
  for: "PYA-7",
  ...changes,
});
const change = (kind: Change["kind"], ...signOffs: readonly SignOff[]): Change => ({
  image: "sha256:2",
  kind,
  ticket: "PYA-7",
  signOffs,
});

function refusals(phase: Phase, changes: readonly Change[], input: Partial<JudgeInput> = {}): string[] {
  const found = judge(
    judgeInput({
      live: new Map([["frontend", extracted]]),
      applied: new Map([["frontend", blue]]),
      wanted: new Map([["frontend", released]]),
      now,
      freeze: { phase, applied: phase, signOffs: [], changes: new Map([["frontend", changes]]) },
      ...input,
    }),
  );
  return found.map(({ rule, key, found: text, expected }) => `${rule} ${key}: ${text}; ${expected}`);
}

describe("the freeze", () => {
  it("refuses another digest of an extracted target without an entry", () => {
    assert.deepEqual(refusals("full-freeze", []), [
      "freeze pyairtable:frontend.green: sha256:2 without an entry under changes, in full-freeze; an entry for that image, of a kind that the phase permits",
    ]);
    assert.deepEqual(refusals("full-freeze", [{ ...change("security-patch"), image: "sha256:3" }]).length, 1);
  });

  it("permits what the plan permits, with a sign-off that holds", () => {
    assert.deepEqual(refusals("full-freeze", [change("security-patch", signOff("technical-lead"))]), []);
    const nobody =
      "freeze pyairtable:frontend.green: sha256:2 as security-patch (PYA-7), signed off by nobody at this time; a sign-off that holds now by product-manager or technical-lead";
    for (const bad of [
      [],
      [signOff("technical-lead", { until: now })],
      [signOff("technical-lead", { at: hoursLater(soakHours + 1) })],
      [signOff("technical-lead", { for: "PYA-8" })],
    ]) {
      assert.deepEqual(refusals("full-freeze", [change("security-patch", ...bad)]), [nobody]);
    }
  });

  it("refuses what the plan freezes, whoever signs", () => {
    const both = ROLES.map((role) => signOff(role));
    assert.deepEqual(refusals("full-freeze", [change("new-feature", ...both)]), [
      "freeze pyairtable:frontend.green: sha256:2 as new-feature (PYA-7), in full-freeze; a kind that full-freeze permits",
    ]);
  });

  it("asks for both sign-offs in the thaw", () => {
    const both = ROLES.map((role) => signOff(role));
    assert.deepEqual(refusals("partial-thaw", [change("high-priority-feature", ...both)]), []);
    assert.deepEqual(refusals("partial-thaw", [change("high-priority-feature", signOff("technical-lead"))]), [
      "freeze pyairtable:frontend.green: sha256:2 as high-priority-feature (PYA-7), signed off by technical-lead at this time; a sign-off that holds now by product-manager and technical-lead",
    ]);
  });

  it("has the plan's lists", () => {
    const permittedIn = (phase: "full-freeze" | "partial-thaw") =>
      CHANGE_KINDS.filter((kind) => approvalFor(kind, phase) !== undefined);
    const always = [
      "critical-bug-fix",
      "security-patch",
      "migration-activity",
      "repository-extraction",
      "rollback",
      "documentation",
    ];
    assert.deepEqual(permittedIn("full-freeze"), always);
    assert.deepEqual(permittedIn("partial-thaw"), ["high-priority-feature", ...always]);
  });

  it("asks nothing in the first extraction, after the resumption, or for a digest that runs already", () => {
    const first = nextRecord("frontend", undefined, calm(ALL_LEGACY), start);
    const staged = calm(ALL_LEGACY, { images: { blue: "app@sha256:9" } });
    assert.deepEqual(
      refusals("full-freeze", [], {
        live: new Map([["frontend", first]]),
        applied: new Map([["frontend", ALL_LEGACY]]),
        wanted: new Map([["frontend", staged]]),
      }),
      [],
    );
    assert.deepEqual(refusals("full-resumption", []), []);
    const same = { ...released, images: { blue: "blue:1", green: "blue:1" } };
    assert.deepEqual(refusals("full-freeze", [], { wanted: new Map([["frontend", same]]) }), []);
  });
});

describe("a change of phase", () => {
  const standing = { wanted: new Map([["frontend", calm(blue, retired)] as const]) };
  const phase = (
    wanted: Phase,
    applied: Phase | undefined,
    signOffs: readonly SignOff[] = [],
  ): JudgeInput["freeze"] => ({
    phase: wanted,
    applied,
    signOffs,
    changes: new Map(),
  });

  it("to the thaw needs product manager and technical lead", () => {
    const thaw = { for: "partial-thaw" };
    const both = ROLES.map((role) => signOff(role, thaw));
    const found = (signOffs: readonly SignOff[], applied: Phase | undefined = "full-freeze") =>
      refusals("partial-thaw", [], { ...standing, freeze: phase("partial-thaw", applied, signOffs) });
    assert.deepEqual(found(both), []);
    assert.deepEqual(found([signOff("technical-lead", thaw)]), [
      "thaw-signed-off pyairtable:migration.phase: partial-thaw, without a sign-off of product-manager that holds now; sign-offs for partial-thaw by product-manager and technical-lead",
    ]);
    assert.equal(found([], undefined).length, 1);
    // Begun, or tightened again.
    assert.deepEqual(found([], "partial-thaw"), []);
    assert.deepEqual(found([], "full-resumption"), []);
  });

  it("to the full resumption needs tier 1 extracted, and stays when a target goes back later", () => {
    const resume = (applied: Phase): JudgeInput["freeze"] => phase("full-resumption", applied);
    assert.deepEqual(refusals("full-resumption", [], { ...standing, freeze: resume("partial-thaw") }), []);
    const onLegacy = nextRecord("auth-service", undefined, calm(ALL_LEGACY), start);
    const docs = nextRecord("docs", undefined, calm(ALL_LEGACY), start);
    const open = {
      live: new Map([["auth-service", onLegacy] as const, ["docs", docs] as const]),
      applied: new Map([["auth-service", ALL_LEGACY] as const, ["docs", ALL_LEGACY] as const]),
      wanted: new Map([["auth-service", calm(ALL_LEGACY)] as const, ["docs", calm(ALL_LEGACY)] as const]),
    };
    assert.deepEqual(refusals("full-resumption", [], { ...open, freeze: resume("partial-thaw") }), [
      "resumption-after-tier-1 pyairtable:migration.phase: full-resumption while auth-service is staged; all targets of tier 1 to be extracted",
    ]);
    assert.deepEqual(refusals("full-resumption", [], { ...open, freeze: resume("full-resumption") }), []);
  });
});
