import assert from "node:assert/strict";
import { Lately } from "../../../guard/lately";
import { trigger } from "./situations";

const failed = { ...trigger("frontend", "legacy"), name: "HealthCheckFailed", isTrigger: false };

describe("who has failed a health check a moment ago", () => {
  const create = (): Lately => new Lately("HealthCheckFailed", 1000);

  it("isn't taken for well because an alert isn't there once", () => {
    const unwell = create();
    unwell.see([failed], 0);
    unwell.see([], 500);
    assert.deepEqual(unwell.backendsOf("frontend", 1000), new Set(["legacy"]));
    assert.deepEqual(unwell.backendsOf("docs", 1000), new Set());
  });

  it("is believed again after a while, unless it fails again", () => {
    const unwell = create();
    unwell.see([failed], 0);
    assert.deepEqual(unwell.backendsOf("frontend", 1001), new Set());
    unwell.see([failed], 1002);
    assert.deepEqual(unwell.backendsOf("frontend", 2000), new Set(["legacy"]));
  });

  it("is nobody of whom another alert is true", () => {
    const unwell = create();
    unwell.see([trigger("frontend", "blue")], 0);
    assert.deepEqual(unwell.backendsOf("frontend", 0), new Set());
  });
});
