import assert from "node:assert/strict";
import type { LocalStack } from "../../local/localStack";
import { withConsumersWatched } from "./consumerWatch";
import { commitSplit, split, stackOnLegacy, succeeded } from "./world";

describe("automation, which consumes a queue", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("automation");
  });

  it("has exactly one consumer throughout a cutover and its revert, and each message is taken once", async () => {
    const takers = await withConsumersWatched(async ({ settled }) => {
      assert.deepEqual(await settled(), ["automation/legacy"]);
      await commitSplit(stack, "automation", split("legacy 50 / blue 50"));
      succeeded(await stack.up());
      assert.deepEqual(await settled(), ["automation/legacy"]);
      await commitSplit(stack, "automation", split("blue 100"));
      succeeded(await stack.up());
      assert.deepEqual(await settled(), ["automation/blue"]);
      await stack.revert(2);
      succeeded(await stack.up());
      assert.deepEqual(await settled(), ["automation/legacy"]);
    });
    assert.deepEqual(takers, ["automation/blue", "automation/legacy"]);
  });
});
