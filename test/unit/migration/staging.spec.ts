import assert from "node:assert/strict";
import {
  ALL_LEGACY,
  type Evidence,
  type Split,
  type StagingEvidence,
  type Verdict,
  allOn,
  judge,
  needsStaging,
  nextRecord,
  withCompleted,
} from "../../../migration";
import { calm, hoursLater, judgeInput, soakHours, start } from "./arbitraries";

const part: Split = { legacy: 90, blue: 10, green: 0 };
const images = { blue: "one.registry/app@sha256:1" };
const live = new Map([
  ["frontend", nextRecord("frontend", undefined, calm(ALL_LEGACY, { images }), start)] as const,
]);

function input(split: Split, staging?: StagingEvidence) {
  return judgeInput({
    live,
    applied: new Map([["frontend", ALL_LEGACY]]),
    wanted: new Map([["frontend", calm(split, { images })]]),
    now: hoursLater(1),
    staging,
  });
}

describe("rule staging-first", () => {
  it("gives weight to a digest that staging has completed, whatever registry it lies in", () => {
    assert.deepEqual(judge(input(part, new Map([["frontend", ["sha256:0", "sha256:1"]]]))), []);
    assert.deepEqual(judge(input(part)), []);
  });

  it("refuses another, and another target's", () => {
    for (const completed of [[], ["sha256:0"]]) {
      const [violation, ...others] = judge(
        input(
          part,
          new Map([
            ["frontend", completed],
            ["docs", ["sha256:1"]],
          ]),
        ),
      );
      assert.deepEqual(others, []);
      assert.deepEqual(violation, {
        target: "frontend",
        rule: "staging-first",
        key: "pyairtable:frontend.blue",
        found: "10 % for sha256:1, which staging has not completed",
        expected: "a digest that has had 100 % for its soak in staging",
        fix: "take frontend to 100 % with that digest in staging, and update staging after its soak",
      });
    }
  });

  it("refuses what can't be known, and says why", () => {
    const [violation] = judge(input(part, { unreadable: "no such host" }));
    assert.equal(violation?.found, "10 % for sha256:1, and staging can't be read: no such host");
  });

  it("asks only where a color gains weight", () => {
    assert.equal(needsStaging(input(part)), true);
    assert.equal(needsStaging(input(ALL_LEGACY)), false);
    const soaking = nextRecord("frontend", live.get("frontend"), calm(allOn("blue"), { images }), start);
    const back = { ...input(ALL_LEGACY), live: new Map([["frontend", soaking] as const]) };
    assert.equal(needsStaging(back), false);
    assert.deepEqual(judge({ ...back, staging: { unreadable: "no such host" } }), []);
  });
});

describe("completed digests", () => {
  const full = nextRecord("frontend", live.get("frontend"), calm(allOn("blue"), { images }), start);
  const completed = (hours: number, before: readonly string[] = [], record = full, evidence?: Evidence) =>
    withCompleted(
      new Map([["frontend", before]]),
      new Map([["frontend", record]]),
      soakHours,
      hoursLater(hours),
      evidence,
    ).get("frontend");

  it("are those that have had 100 % for the soak, once each", () => {
    assert.deepEqual(completed(soakHours - 1), []);
    assert.deepEqual(completed(soakHours), ["sha256:1"]);
    assert.deepEqual(completed(soakHours, ["sha256:1"]), ["sha256:1"]);
    assert.deepEqual(completed(soakHours, ["sha256:0"]), ["sha256:0", "sha256:1"]);
  });

  it("are completed only with evidence, where the stack wants any", () => {
    const of = (verdict: Verdict): Evidence => new Map([["frontend", verdict]]);
    const doubts = [{ found: "12 requests", expected: "30" }];
    assert.deepEqual(completed(soakHours, [], full, of({ kind: "go" })), ["sha256:1"]);
    assert.deepEqual(completed(soakHours, [], full, of({ kind: "hold", doubts })), []);
    assert.deepEqual(completed(soakHours, [], full, of({ kind: "bad", doubts })), []);
    assert.deepEqual(completed(soakHours, [], full, new Map()), []);
  });

  it("stay when the target goes back", () => {
    const back = nextRecord("frontend", full, calm(ALL_LEGACY, { images }), start);
    assert.deepEqual(completed(soakHours, ["sha256:1"], back), ["sha256:1"]);
  });

  it("take nothing from a route that can't be believed", () => {
    const tampered = new Map([["frontend", { tampered: "by hand" }] as const]);
    assert.deepEqual(withCompleted(new Map(), tampered, soakHours, start, undefined), new Map());
  });
});
