import assert from "node:assert/strict";
import fc from "fast-check";
import { dayPeriod, isWithin, weekNumber, weekOf } from "../../../cutover/period";

const at = (time: string): Date => new Date(time);

describe("a report's period", () => {
  it("is a week of seven whole days in UTC, counted from the migration's first day", () => {
    const start = at("2025-08-11T16:20:00Z");
    assert.deepEqual(weekOf(start, 1), {
      kind: "week",
      week: 1,
      from: at("2025-08-11T00:00:00Z"),
      to: at("2025-08-18T00:00:00Z"),
    });
    assert.deepEqual(weekOf(start, 4).from, at("2025-09-01T00:00:00Z"));
  });

  it("is a day in UTC", () => {
    const { from, to } = dayPeriod(at("2025-08-11T23:59:59Z"));
    assert.deepEqual([from, to], [at("2025-08-11T00:00:00Z"), at("2025-08-12T00:00:00Z")]);
  });

  it("begins with its first moment and ends before its last", () => {
    const day = dayPeriod(at("2025-08-11"));
    assert.deepEqual(
      [
        "2025-08-10T23:59:59.999Z",
        "2025-08-11T00:00:00Z",
        "2025-08-11T23:59:59.999Z",
        "2025-08-12T00:00:00Z",
      ].map((time) => isWithin(day, at(time))),
      [false, true, true, false],
    );
  });

  it("has any moment in exactly the week that its number says", () => {
    const times = fc.date({ min: at("2025-01-01"), max: at("2027-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(times, times, (start, time) => {
        const week = weekNumber(start, time);
        assert.ok(isWithin(weekOf(start, week), time));
        assert.ok(!isWithin(weekOf(start, week - 1), time));
        assert.ok(!isWithin(weekOf(start, week + 1), time));
      }),
    );
  });
});
