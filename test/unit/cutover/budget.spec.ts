import assert from "node:assert/strict";
import { budgetMinutes, budgetText, isWithinBudget, levels } from "../../../cutover/budget";

describe("the budgets of rollbacks", () => {
  it("are the plan's: 15, 30 and 60 minutes", () => {
    assert.deepEqual(
      levels.map((level) => budgetMinutes[level]),
      [15, 30, 60],
    );
  });

  it("are told with what was taken of them", () => {
    assert.equal(budgetText(1, 4_149), "level 1 took 4.1 s of its 15 min");
    assert.equal(budgetText(3, 90_000), "level 3 took 1.5 min of its 60 min");
    assert.equal(budgetText(2, 31 * 60_000), "level 2 took 31.0 min of its 30 min, which is too long");
  });

  it("end with their last moment", () => {
    for (const level of levels) {
      const budget = budgetMinutes[level] * 60_000;
      assert.deepEqual([isWithinBudget(level, budget), isWithinBudget(level, budget + 1)], [true, false]);
    }
  });
});
