import assert from "node:assert/strict";
import { disruptionBudgets } from "../../../policy/disruptionBudgets";
import { budget, given, said, unknown } from "./resources";

describe("policy disruption-budgets", () => {
  it("refuses a budget that never lets a pod go", () => {
    assert.deepEqual(said(disruptionBudgets, budget({ maxUnavailable: 0 })), [
      "found maxUnavailable: 0, expected a budget that lets at least one pod go; use maxUnavailable: 1",
    ]);
    for (const spec of [{ maxUnavailable: "0%" }, { minAvailable: "100%" }]) {
      assert.equal(said(disruptionBudgets, budget(spec)).length, 1);
    }
  });

  it("accepts one that does, or that may", () => {
    for (const spec of [
      { maxUnavailable: 1 },
      { maxUnavailable: "25%" },
      { minAvailable: 2 },
      { minAvailable: "50%" },
      { maxUnavailable: unknown },
      {},
    ]) {
      assert.deepEqual(said(disruptionBudgets, budget(spec)), []);
    }
  });

  it("has no business with other kinds", () => {
    assert.deepEqual(
      said(disruptionBudgets, given("kubernetes:apps/v1:Deployment", { spec: { maxUnavailable: 0 } })),
      [],
    );
  });
});
