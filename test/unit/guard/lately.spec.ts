import assert from "node:assert/strict";
import { Lately } from "../../../guard/lately";
import type { Backend } from "../../../migration";
import { trigger } from "./situations";

describe("who has failed a health check a moment ago", () => {
  const failed = { ...trigger("frontend", "legacy"), name: "HealthCheckFailed", isTrigger: false };
  let lately: Lately;
  const at = (now: number, target: "frontend" | "docs" = "frontend"): ReadonlySet<Backend> =>
    lately.backendsOf("HealthCheckFailed", target, 1000, now);

  beforeEach(() => (lately = new Lately()));

  it("isn't taken for well because an alert isn't there once", () => {
    lately.see([failed], 0);
    lately.see([], 500);
    assert.deepEqual(at(1000), new Set(["legacy"]));
    assert.deepEqual(at(1000, "docs"), new Set());
  });

  it("is believed again after a while, unless it fails again", () => {
    lately.see([failed], 0);
    assert.deepEqual(at(1001), new Set());
    lately.see([failed], 1002);
    assert.deepEqual(at(2000), new Set(["legacy"]));
  });

  it("is nobody of whom another alert is true", () => {
    lately.see([trigger("frontend", "blue")], 0);
    assert.deepEqual(at(0), new Set());
  });
});
