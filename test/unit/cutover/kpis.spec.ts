import assert from "node:assert/strict";
import fc from "fast-check";
import {
  deploymentsIn,
  kpisOf,
  milestoneOf,
  successRate,
  successText,
  timeInStages,
} from "../../../cutover/kpis";
import type { Deployments, Kpi, KpiFacts } from "../../../cutover/kpis";
import { dayPeriod } from "../../../cutover/period";
import { nextRecord } from "../../../migration";
import { wantedTargets } from "../migration/arbitraries";
import { blue, extracted, hours, half, staged, start } from "./situations";
import { stackRecord, update } from "./versions";

const today = dayPeriod(start);
const deployments = (succeeded: number, failed: number): Deployments => ({ succeeded, failed, empty: 0 });

describe("the deployments of a period", () => {
  it("are its updates that did something or failed, with their median and longest duration", () => {
    const found = deploymentsIn(today, [
      update({ at: -24 }),
      update({ at: 0, seconds: 10 }),
      update({ at: 1, seconds: 40 }),
      update({ at: 2, seconds: 20 }),
      update({ at: 3, seconds: 900, result: "failed" }),
      update({ at: 4, seconds: 1, isEmpty: true }),
      update({ at: 24 }),
    ]);
    assert.deepEqual(found, { succeeded: 3, failed: 1, empty: 1, seconds: { median: 20, longest: 40 } });
  });

  it("have the mean of the middle two as median of an even number, and no duration without any", () => {
    const pair = deploymentsIn(today, [update({ at: 0, seconds: 10 }), update({ at: 1, seconds: 20 })]);
    assert.deepEqual(pair.seconds, { median: 15, longest: 20 });
    assert.deepEqual(deploymentsIn(today, []), deployments(0, 0));
  });

  it("don't count an update that runs still, or was killed", () => {
    assert.deepEqual(deploymentsIn(today, [update({ at: 0, result: "unfinished" })]), deployments(0, 0));
  });

  it("have a rate between 0 and 100 %, and none without a deployment", () => {
    const counts = fc.nat({ max: 1000 });
    fc.assert(
      fc.property(counts, counts, (succeeded, failed) => {
        const rate = successRate(deployments(succeeded, failed));
        assert.equal(rate === undefined, succeeded + failed === 0);
        if (rate === undefined) return;
        assert.ok(rate >= 0 && rate <= 100);
        assert.equal(rate === 100, failed === 0);
        assert.equal(rate === 0, succeeded === 0);
      }),
    );
  });

  it("are told as n of m, and never rounded up to a goal", () => {
    assert.equal(successText(deployments(19, 1)), "19 of 20 updates (95.0 %)");
    assert.equal(successText(deployments(1999, 1)), "1999 of 2000 updates (99.9 %)");
    assert.equal(successText(deployments(0, 0)), "0 of 0 updates");
  });
});

describe("the time in each stage", () => {
  it("is told of a whole extraction", () => {
    const { records } = stackRecord([
      { file: { frontend: { blue: undefined } }, at: 0 },
      { file: { frontend: staged }, at: 1 },
      { file: { frontend: { ...staged, traffic: half } }, at: 3 },
      { file: { frontend: { ...staged, traffic: blue } }, at: 6 },
      { file: { frontend: extracted }, at: 40 },
    ]);
    const inHours = (until: number): Record<string, number> =>
      Object.fromEntries(
        Object.entries(timeInStages(records.get("frontend") ?? [], 24, hours(until))).map(([stage, ms]) => [
          stage,
          ms / 3_600_000,
        ]),
      );
    assert.deepEqual(inHours(50), {
      legacy: 1,
      staged: 2,
      splitting: 3,
      soaking: 24,
      soaked: 10,
      extracted: 10,
    });
    assert.deepEqual(inHours(10), { legacy: 1, staged: 2, splitting: 3, soaking: 4 });
    assert.deepEqual(inHours(0), {});
  });

  it("adds up to all the time since the first record, whatever happened", () => {
    const steps = fc.array(fc.tuple(wantedTargets, fc.integer({ min: 0, max: 60 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 0, max: 48 }),
        fc.integer({ min: 0, max: 400 }),
        (given, soakHours, end) => {
          let [hour, record] = [0, nextRecord("docs", undefined, given[0]?.[0] ?? assert.fail(), start)];
          const records = given.map(([wanted, later]) => {
            hour += later;
            record = nextRecord("docs", record, wanted, hours(hour));
            return { at: hours(hour), record };
          });
          const times = Object.values(timeInStages(records, soakHours, hours(end)));
          const first = records[0]?.at.getTime() ?? 0;
          assert.ok(times.every((ms) => ms > 0));
          assert.equal(
            times.reduce((sum, ms) => sum + ms, 0),
            Math.max(0, hours(end).getTime() - first),
          );
        },
      ),
    );
  });
});

describe("the plan's KPIs", () => {
  const facts: KpiFacts = { extracted: [], doubled: [], deployments: deployments(0, 0) };
  const all = (given: KpiFacts): readonly Kpi[] =>
    ([1, 4, 8, 12] as const).flatMap((week) => kpisOf(week, given));
  const kpi = (name: string, given: KpiFacts, week: 1 | 4 | 8 | 12): Kpi =>
    kpisOf(week, given).find((each) => each.name === name) ?? assert.fail(name);

  it("are those of the next milestone", () => {
    assert.deepEqual([1, 2, 4, 5, 8, 9, 12, 30].map(milestoneOf), [1, 4, 4, 8, 8, 12, 12, 12]);
  });

  it("are four at each milestone, each either measured or said why not", () => {
    for (const given of [facts, { ...facts, repositories: 9, deployments: { unreadable: "no backend" } }]) {
      assert.equal(all(given).length, 16);
      for (const { name, measured, notMeasured, isMet } of all(given)) {
        assert.equal((measured === undefined) !== (notMeasured === undefined), true, name);
        if (measured === undefined) assert.equal(isMet, undefined, name);
        assert.notEqual(notMeasured, "", name);
      }
    }
  });

  it("never measure velocity, satisfaction, debt and what else leaves no fact", () => {
    assert.deepEqual(
      all({
        ...facts,
        repositories: 8,
        deployments: { ...deployments(9, 1), seconds: { median: 1, longest: 2 } },
      })
        .filter(({ measured }) => measured === undefined)
        .map(({ name }) => name),
      [
        "Development velocity",
        "Development velocity",
        "Feature delivery capability",
        "Developer satisfaction",
        "Code duplication",
        "Build time",
        "Maintenance overhead",
        "Technical debt score",
      ],
    );
  });

  it("count the critical services of tier 1 alone", () => {
    const given = { ...facts, extracted: ["frontend", "docs"] as const };
    const { measured, isMet } = kpi("Critical services extracted", given, 1);
    assert.deepEqual([measured, isMet], ["1/4", false]);
    const whole = {
      ...facts,
      extracted: ["frontend", "api-gateway", "auth-service", "llm-orchestrator"] as const,
    };
    assert.equal(kpi("Critical services extracted", whole, 1).isMet, true);
  });

  it("are met above the rate, and below the duration and the count", () => {
    const rate = (succeeded: number, failed: number, week: 1 | 8): boolean | undefined =>
      kpi("Deployment success rate", { ...facts, deployments: deployments(succeeded, failed) }, week).isMet;
    assert.deepEqual(
      [rate(19, 1, 1), rate(96, 4, 1), rate(99, 1, 8), rate(200, 1, 8)],
      [false, true, false, true],
    );
    const time = (longest: number): boolean | undefined =>
      kpi(
        "Deployment time",
        { ...facts, deployments: { ...deployments(1, 0), seconds: { median: 1, longest } } },
        4,
      ).isMet;
    assert.deepEqual([time(599), time(600)], [true, false]);
    const count = (repositories: number): boolean | undefined =>
      kpi("Repository count", { ...facts, repositories }, 4).isMet;
    assert.deepEqual([count(12), count(13)], [true, false]);
  });

  it("don't take the absence of deployments for success", () => {
    assert.equal(kpi("Deployment success rate", facts, 1).notMeasured, "no deployment in this time");
    assert.equal(kpi("Deployment time", facts, 4).notMeasured, "no deployment in this time");
  });

  it("say who runs twice; that nobody does doesn't prove that no code is there twice", () => {
    const name = "Services that run twice, in the monorepo and as a release";
    assert.deepEqual(kpi(name, { ...facts, doubled: ["docs"] }, 4), {
      name,
      goal: "0",
      measured: "1: docs",
      isMet: false,
    });
    assert.deepEqual(kpi(name, facts, 4), { name, goal: "0", measured: "0" });
  });
});
