import assert from "node:assert/strict";
import { catalogEntry, routedTargets, targetNames } from "../../../catalog";
import type { RoutedTargetName } from "../../../catalog";

describe("catalog", () => {
  it("lets only the targets that wrap an outside API call the internet", () => {
    assert.deepEqual(
      routedTargets.filter((name) => catalogEntry(name).callsInternet),
      ["llm-orchestrator", "airtable-gateway"],
    );
  });

  it("lets only targets that keep data reach what the monorepo's machine keeps", () => {
    assert.deepEqual(
      routedTargets.filter((name) => catalogEntry(name).stores.length === 0),
      ["frontend", "mcp-server", "docs"],
    );
    assert(catalogEntry("automation").stores.includes("redis"));
  });

  it("lists the nine targets in the plan's order: tier, then priority", () => {
    const order = targetNames
      .map((name) => catalogEntry(name))
      .map(({ tier, priority }) => `${tier} ${priority}`);
    assert.deepEqual(order, ["1 P0", "1 P0", "1 P0", "1 P1", "2 P2", "2 P2", "2 P3", "3 P4", "3 P6"]);
  });

  it("routes to all but infrastructure", () => {
    assert.deepEqual(
      routedTargets,
      targetNames.filter((name) => name !== "infrastructure"),
    );
    assert.equal("port" in catalogEntry("infrastructure"), false);
  });

  it("has every entry under its own name", () => {
    for (const name of targetNames) {
      assert.equal(catalogEntry(name).name, name);
      assert.equal(catalogEntry(name).repository, `pyairtable-${name}`);
    }
  });

  it("has no target that calls itself, directly or through others", () => {
    const callees = (name: RoutedTargetName, path: readonly string[]): string[] =>
      catalogEntry(name).dependencies.flatMap((callee) => {
        assert.ok(!path.includes(callee), [...path, callee].join(" calls "));
        return [callee, ...callees(callee, [...path, callee])];
      });
    const called = routedTargets.flatMap((name) => callees(name, [name]));
    assert.ok(called.includes("airtable-gateway"));
  });

  it("has each target checked by at least one request of its own before it gets traffic", () => {
    for (const name of routedTargets) assert.ok(catalogEntry(name).smokeChecks.length > 0, name);
  });

  it("asks the MCP server for exactly its 14 tools", () => {
    const [check] = catalogEntry("mcp-server").smokeChecks;
    assert.deepEqual(check?.request, {
      method: "POST",
      path: "/mcp",
      body: { jsonrpc: "2.0", id: 1, method: "tools/list" },
    });
    assert.deepEqual(check.expect, { status: 200, jsonArray: { pointer: "/result/tools", length: 14 } });
  });

  it("shows what is special about each target", () => {
    const workloads = routedTargets.map((name) => catalogEntry(name).workload);
    assert.deepEqual(workloads, [
      {
        kind: "web",
        sessions: { cookie: "pyairtable-session" },
        staticAssets: { path: "/_next/static" },
      },
      { kind: "api", runtime: "python", archived: ["go"] },
      { kind: "auth", signingKey: "shared" },
      { kind: "orchestrator", streams: true },
      { kind: "tools", tools: 14 },
      {
        kind: "external-api",
        rateLimit: { requestsPerSecond: 5, per: "base", sharedAcrossBackends: true },
      },
      { kind: "consumer", queue: "automation" },
      { kind: "static" },
    ]);
    assert.equal(catalogEntry("llm-orchestrator").longestRequestSeconds, 300);
  });

  it("states the plan's success criteria of the two targets that the plan details", () => {
    assert.deepEqual(catalogEntry("frontend").successCriteria.slice(0, 3), [
      "Frontend deploys independently in <5 minutes",
      "Zero user-reported issues during switch",
      "All features working in production",
    ]);
    assert.deepEqual(catalogEntry("api-gateway").successCriteria.slice(0, 3), [
      "All API endpoints respond correctly",
      "Response times within 20% of baseline",
      "Zero authentication failures",
    ]);
  });
});
