import assert from "node:assert/strict";
import { catalogEntry, routedTargets } from "../../../catalog";
import ports from "../../../local/ports.json";

describe("the ports that the preflight asks for", () => {
  it("are those at which the catalog reaches the monorepo", () => {
    assert.deepEqual(
      routedTargets.map((target) => ports[`legacy-${target}`]),
      routedTargets.map((target) => catalogEntry(target).legacyPort),
    );
  });

  it("are each given once", () => {
    const all = Object.values(ports);
    assert.deepEqual([...new Set(all)], all);
  });
});
