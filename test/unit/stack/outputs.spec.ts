import assert from "node:assert/strict";
import { appliedSplits } from "../../../outputs";

describe("appliedSplits", () => {
  it("are the splits in the stack's output", () => {
    const targets = {
      frontend: { split: "legacy 90 / blue 10", stage: "splitting" },
      docs: { split: "legacy 100" },
    };
    assert.deepEqual(
      appliedSplits(targets),
      new Map([
        ["frontend", { legacy: 90, blue: 10, green: 0 }],
        ["docs", { legacy: 100, blue: 0, green: 0 }],
      ]),
    );
  });

  for (const [what, targets] of Object.entries<unknown>({
    "before the first update": undefined,
    "for an output of another shape": { frontend: "legacy 100" },
    "for a target that isn't one": { monolith: { split: "legacy 100" } },
    "for a split that can't be read": { frontend: { split: "legacy 100 %" } },
  })) {
    it(`are none ${what}`, () => {
      assert.deepEqual(appliedSplits(targets), new Map());
    });
  }
});
