import assert from "node:assert/strict";
import { callersOf, comesBefore, routedTargets, targetNames } from "../../../catalog";

describe("the order of the targets", () => {
  it("is the plan's: tier, then priority", () => {
    assert.ok(comesBefore("auth-service", "llm-orchestrator"));
    assert.ok(comesBefore("llm-orchestrator", "mcp-server"));
    assert.ok(comesBefore("automation", "infrastructure"));
    assert.ok(comesBefore("infrastructure", "docs"));
  });

  it("leaves those of one tier and priority as they are, and never goes both ways", () => {
    assert.ok(!comesBefore("frontend", "api-gateway"));
    for (const one of targetNames) {
      for (const other of targetNames) assert.ok(!(comesBefore(one, other) && comesBefore(other, one)));
    }
  });
});

describe("the callers of a target", () => {
  it("are those that depend on it", () => {
    assert.deepEqual(callersOf("airtable-gateway"), ["api-gateway", "mcp-server", "automation"]);
    assert.deepEqual(callersOf("frontend"), []);
  });

  it("are in no circle, or no legacy could ever be retired", () => {
    const free = new Set<string>();
    for (let round = 0; round < routedTargets.length; round++) {
      for (const target of routedTargets)
        if (callersOf(target).every((caller) => free.has(caller))) free.add(target);
    }
    assert.deepEqual(free.size, routedTargets.length);
  });
});
