import assert from "node:assert/strict";
import { ALL_LEGACY, allOn, formatMigrationState, migrationState, nextRecord } from "../../../migration";
import { calm, hoursLater, start } from "./arbitraries";

const full = nextRecord("docs", undefined, calm(allOn("blue"), { adopt: true }), start);
const retiredAfter = (hours: number) =>
  nextRecord("docs", full, calm(allOn("blue"), { legacy: "retired" }), hoursLater(hours));
const week = 7 * 24;

describe("the migration as a whole", () => {
  it("goes on until all targets are extracted, the shared resources too", () => {
    const onLegacy = nextRecord("docs", undefined, calm(ALL_LEGACY), start);
    const now = hoursLater(999);
    assert.deepEqual(migrationState([retiredAfter(24), onLegacy], "pulumi", now), { kind: "migrating" });
    assert.deepEqual(migrationState([retiredAfter(24), undefined], "pulumi", now), { kind: "migrating" });
    assert.deepEqual(migrationState([retiredAfter(24)], "terraform", now), { kind: "migrating" });
  });

  it("is watched for a week after the last legacy was retired, and complete then", () => {
    const records = [retiredAfter(24), retiredAfter(48)];
    const until = hoursLater(48 + week);
    const watching = migrationState(records, "pulumi", hoursLater(47 + week));
    assert.deepEqual(watching, { kind: "watching", until });
    assert.equal(formatMigrationState(watching), "watching until 2025-08-20T09:00:00Z");
    assert.deepEqual(migrationState(records, "pulumi", until), { kind: "complete" });
  });

  it("counts from the last split where the route doesn't say when legacy was retired", () => {
    const { retiredAt, ...before } = retiredAfter(24);
    assert.ok(retiredAt);
    assert.deepEqual(migrationState([before], "pulumi", hoursLater(1)), {
      kind: "watching",
      until: hoursLater(week),
    });
  });

  it("forgets a retirement that was taken back, and keeps one for as long as it lasts", () => {
    const retired = retiredAfter(24);
    assert.deepEqual(retired.retiredAt, hoursLater(24));
    const later = nextRecord("docs", retired, calm(allOn("green"), { legacy: "retired" }), hoursLater(30));
    assert.deepEqual(later.retiredAt, hoursLater(24));
    const back = nextRecord("docs", later, calm(ALL_LEGACY), hoursLater(31));
    assert.ok(!("retiredAt" in back));
  });
});
