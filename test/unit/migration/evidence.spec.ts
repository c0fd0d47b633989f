import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALL_LEGACY,
  type Evidence,
  type JudgeInput,
  type Override,
  type RouteRecord,
  type Split,
  type Verdict,
  type WantedTarget,
  allOn,
  asksForEvidence,
  evidenceSubjects,
  judge,
  nextRecord,
} from "../../../migration";
import { calm, hoursLater, judgeInput, records, soakHours, start, times, wantedTargets } from "./arbitraries";

const part: Split = { legacy: 90, blue: 10, green: 0 };
const half: Split = { legacy: 50, blue: 50, green: 0 };
const full = allOn("blue");
const retired = { legacy: "retired" } as const;

const doubt = { found: "3 requests in 90 s", expected: "30 or more" };
const hold: Verdict = { kind: "hold", doubts: [doubt] };
const bad: Verdict = { kind: "bad", doubts: [{ found: "a failed health check", expected: "none" }] };
const of = (verdict: Verdict): Evidence => new Map([["frontend", verdict]]);

function history(...updates: readonly WantedTarget[]): RouteRecord {
  return updates.reduce(
    (live, wanted) => nextRecord("frontend", live, wanted, start),
    nextRecord("frontend", undefined, calm(ALL_LEGACY), start),
  );
}

function input(live: RouteRecord, wanted: WantedTarget, evidence: Evidence | undefined): JudgeInput {
  return judgeInput({
    live: new Map([["frontend", live]]),
    applied: new Map([["frontend", live.split]]),
    wanted: new Map([["frontend", wanted]]),
    now: hoursLater(soakHours),
    evidence,
  });
}

const rulesThatRefuse = (...args: Parameters<typeof input>): string[] =>
  judge(input(...args)).map(({ rule, key }) => `${rule} ${key}`);

describe("rule evidence", () => {
  const steps = {
    "more for a color that has some": {
      live: history(calm(part)),
      wanted: calm(half),
      key: "pyairtable:frontend.traffic",
    },
    "all for it": {
      live: history(calm(part), calm(half)),
      wanted: calm(full),
      key: "pyairtable:frontend.traffic",
    },
    "more for the next release of an extracted target": {
      live: history(calm(full), calm(full, retired), calm({ legacy: 0, blue: 90, green: 10 }, retired)),
      wanted: calm({ legacy: 0, blue: 50, green: 50 }, retired),
      key: "pyairtable:frontend.traffic",
    },
    "the retirement of legacy": {
      live: history(calm(full)),
      wanted: calm(full, retired),
      key: "pyairtable:frontend.legacy",
    },
  };

  for (const [name, { live, wanted, key }] of Object.entries(steps)) {
    it(`asks for evidence of ${name}, and lets a go pass`, () => {
      assert.ok(asksForEvidence(input(live, wanted, undefined)));
      assert.deepEqual(rulesThatRefuse(live, wanted, of({ kind: "go" })), []);
      for (const evidence of [of(hold), of(bad), new Map()]) {
        assert.deepEqual(rulesThatRefuse(live, wanted, evidence), [`evidence ${key}`]);
      }
    });
  }

  it("says HOLD, what is missing, and that it is held", () => {
    const { live, wanted } = steps["all for it"];
    assert.deepEqual(judge(input(live, wanted, of(hold))), [
      {
        target: "frontend",
        rule: "evidence",
        key: "pyairtable:frontend.traffic",
        found: "HOLD: 3 requests in 90 s",
        expected: "30 or more",
        fix: "wait until it is measured, and see what is missing: cutover soak frontend",
        held: true,
      },
    ]);
  });

  it("says BAD, which waiting doesn't mend", () => {
    const { live, wanted } = steps["all for it"];
    const [violation, ...others] = judge(input(live, wanted, of(bad)));
    assert.deepEqual(others, []);
    assert.equal(violation?.found, "BAD: a failed health check");
    assert.equal(violation.held, undefined);
  });

  for (const [name, live, wanted] of [
    ["the first tenth", history(), calm(part)],
    ["what stays as it is", history(calm(half)), calm(half)],
    ["a smaller share", history(calm(half)), calm(part)],
    ["a way back", history(calm(full)), calm(ALL_LEGACY)],
    [
      "the way back of a release",
      history(calm(full), calm(full, retired), calm({ legacy: 0, blue: 10, green: 90 }, retired)),
      calm(full, retired),
    ],
  ] as const) {
    it(`asks for none of ${name}`, () => {
      assert.equal(asksForEvidence(input(live, wanted, undefined)), false);
      assert.deepEqual(rulesThatRefuse(live, wanted, of(bad)), []);
      assert.deepEqual(rulesThatRefuse(live, wanted, new Map()), []);
    });
  }

  it("asks for nothing where the stack wants no evidence", () => {
    const { live, wanted } = steps["all for it"];
    assert.deepEqual(rulesThatRefuse(live, wanted, undefined), []);
  });

  it("is set aside by an override until that expires", () => {
    const { live, wanted } = steps["the retirement of legacy"];
    const override: Override = {
      target: "frontend",
      rule: "evidence",
      reason: "Prometheus is away",
      approver: "Grace",
      expires: hoursLater(soakHours + 1),
    };
    const judged = (expires: Date) =>
      judge({ ...input(live, wanted, of(hold)), overrides: [{ ...override, expires }] }).length;
    assert.equal(judged(override.expires), 0);
    assert.equal(judged(hoursLater(soakHours)), 1);
  });

  it("refuses no way back, whatever is measured, and nothing where it doesn't ask", () => {
    const verdicts = fc.constantFrom<Evidence>(of(hold), of(bad), new Map());
    let asked = 0;
    fc.assert(
      fc.property(records, wantedTargets, times, verdicts, (live, wanted, now, evidence) => {
        const given = { ...input(live, wanted, evidence), now };
        const refused = judge(given).some(({ rule }) => rule === "evidence");
        assert.equal(refused, asksForEvidence(given));
        if (refused) asked++;
        if (
          wanted.split.legacy > live.split.legacy &&
          wanted.split.blue <= live.split.blue &&
          wanted.split.green <= live.split.green
        ) {
          assert.equal(refused, false);
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(asked > 0);
  });
});

describe("the subjects of evidence", () => {
  const subjects = (live: RouteRecord, hours = soakHours) =>
    evidenceSubjects(new Map([["frontend", live]]), soakHours, hoursLater(hours));

  it("are the colors on their way or in their soak, since they have their share", () => {
    const subject = { target: "frontend", color: "blue", since: start };
    assert.deepEqual(subjects(history(calm(part))), [subject]);
    assert.deepEqual(subjects(history(calm(full)), 1), [subject]);
    assert.deepEqual(subjects(history(calm(full))), [subject]);
    const releasing = history(
      calm(full),
      calm(full, retired),
      calm({ legacy: 0, blue: 90, green: 10 }, retired),
    );
    assert.deepEqual(subjects(releasing), [{ ...subject, color: "green" }]);
  });

  it("are none where nothing is on its way, or the route can't be believed", () => {
    assert.deepEqual(subjects(history()), []);
    assert.deepEqual(subjects(history(calm(full), calm(full, retired))), []);
    assert.deepEqual(evidenceSubjects(new Map([["frontend", { tampered: "edited" }]]), soakHours, start), []);
  });
});
