import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { renderPlan, renderPlanMarkdown } from "../../../cutover/planView";
import { blue, extracted, half, part, situation, staged } from "./situations";

const pipe = new PassThrough();

/** The lines of one target, from its name to the next. */
function section(name: string, text: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.includes(name) && /^( {2}|- \[.\] \*\*)\S|^ {2}\w/.test(line));
  const length = lines.slice(start + 1).findIndex((line) => /^( {2}\w|- \[|$)/.test(line));
  return lines.slice(start, start + 1 + length);
}

describe("the plan for a person", () => {
  it("has all nine targets, tier by tier in the plan's order", () => {
    const names = renderPlan(situation({}), pipe)
      .split("\n")
      .flatMap((line) => /^(Tier \d| {2}[a-z-]+)/.exec(line)?.[0].trim() ?? []);
    assert.deepEqual(names, [
      "Tier 1",
      "frontend",
      "api-gateway",
      "auth-service",
      "llm-orchestrator",
      "Tier 2",
      "mcp-server",
      "airtable-gateway",
      "automation",
      "Tier 3",
      "infrastructure",
      "docs",
    ]);
  });

  it("lists each step from here on; of the next it tells the change of config and that it is free", () => {
    const text = renderPlan(situation({ file: { frontend: { ...staged, traffic: part } } }), pipe);
    assert.deepEqual(section("frontend", text), [
      "  frontend  P0, splitting, legacy 90 / blue 10",
      "    > 50 % blue",
      "        pyairtable:frontend.traffic: legacy 90 / blue 10 -> legacy 50 / blue 50",
      "        the rules allow it: cutover advance frontend",
      "      100 % blue",
      "      soak for 24 h",
      "      retire legacy",
    ]);
  });

  it("tells in the rules' words what refuses the next step, and from when on it is free", () => {
    const text = renderPlan(
      situation({ file: { frontend: { ...staged, traffic: blue }, "api-gateway": staged } }),
      pipe,
    );
    assert.deepEqual(section("api-gateway", text).slice(0, 4), [
      "  api-gateway  P0, staged, legacy 100",
      "    > 10 % blue",
      "        pyairtable:api-gateway.traffic: legacy 100 -> legacy 90 / blue 10",
      "        refused by one-in-flight: pyairtable:api-gateway.traffic: found legacy 90 / blue 10 while frontend is soaking, expected one target in flight at a time; not before 2026-11-24 08:00Z",
    ]);
    assert.deepEqual(section("frontend", text).slice(1), [
      "    > soak until 2026-11-24 08:00Z",
      "      retire legacy",
    ]);
  });

  it("puts drift before the steps, with what resolves it or what refuses it, and marks none as next", () => {
    const before = { frontend: staged };
    const asked = situation({ file: { frontend: { ...staged, traffic: half } }, before });
    assert.deepEqual(section("frontend", renderPlan(asked, pipe)).slice(1, 3), [
      "    not applied yet: pyairtable:frontend.traffic: legacy 100 -> legacy 50 / blue 50; cutover resume",
      "      100 % blue",
    ]);
    const early = situation({
      file: { frontend: extracted },
      before: { frontend: { ...staged, traffic: blue } },
    });
    assert.deepEqual(section("frontend", renderPlan(early, pipe)).slice(1), [
      "    not applied yet: pyairtable:frontend.legacy: standby -> retired",
      "    refused by retired-only-when-soaked: pyairtable:frontend.legacy: found retired while frontend is soaking, expected standby until a color has had 100 % for the whole soak; not before 2026-11-24 08:00Z",
      "      soak until 2026-11-24 08:00Z",
    ]);
  });

  it("shows one of two idle colours, and says that it must be chosen", () => {
    const text = renderPlan(situation({ file: { "api-gateway": { ...staged, green: staged.blue } } }), pipe);
    assert.deepEqual(section("api-gateway", text).slice(1, 4), [
      "    > 10 % blue",
      "        pyairtable:api-gateway.traffic: legacy 100 -> legacy 90 / blue 10",
      "        say which: --to blue or --to green",
    ]);
  });

  it("counts what is done and what is left", () => {
    const found = situation({ file: { frontend: extracted, infrastructure: { owner: "pulumi" } }, at: 24 });
    const text = renderPlan(found, pipe);
    // Seven on legacy without an image: image, three weights, soak, retirement.
    assert.match(text, /\n2 of 9 targets have nothing left to do; 42 steps in all\nfull-freeze, migrating$/);
    assert.deepEqual(section("frontend", text), ["  frontend  P0, extracted, blue 100"]);
  });
});

describe("the plan as Markdown", () => {
  it("has a heading per tier and a checkbox per target and step, the done ones ticked", () => {
    const found = situation({
      file: { frontend: extracted, "api-gateway": staged, infrastructure: { owner: "terraform" } },
      at: 24,
    });
    const text = renderPlanMarkdown(found);
    assert.deepEqual(
      text.split("\n").filter((line) => line.startsWith("#")),
      ["# Plan", "## Tier 1", "## Tier 2", "## Tier 3"],
    );
    assert.deepEqual(section("frontend", text), ["- [x] **frontend**: P0, extracted, blue 100"]);
    assert.deepEqual(section("api-gateway", text), [
      "- [ ] **api-gateway**: P0, staged, legacy 100",
      "  - [ ] **next: 10 % blue**",
      "    - `pyairtable:api-gateway.traffic: legacy 100 -> legacy 90 / blue 10`",
      "    - `the rules allow it: cutover advance api-gateway`",
      "  - [ ] 50 % blue",
      "  - [ ] 100 % blue",
      "  - [ ] soak for 24 h",
      "  - [ ] retire legacy",
    ]);
    assert.deepEqual(section("infrastructure", text), [
      "- [ ] **infrastructure**: P4, owned by terraform",
      "  - [ ] **next: owner: pulumi**",
      "    - `pyairtable:infrastructure.owner: terraform -> pulumi`",
      "    - `refused by order: pyairtable:infrastructure.owner: found pulumi while api-gateway is staged, auth-service is legacy, llm-orchestrator is legacy, 3 more are not through, expected all that comes before infrastructure (tier 3, P4) to be soaked or extracted`",
    ]);
  });

  it("takes nothing that stands on a route for Markdown", () => {
    const found = situation({ routes: { frontend: { tampered: 'it reads "``x`` <b>"' } } });
    assert.match(
      renderPlanMarkdown(found),
      /^ {2}- ``` tampered: it reads "``x`` <b>"; cutover reconcile frontend ```$/m,
    );
  });

  it("doesn't tick a target whose file is ahead of its route", () => {
    const found = situation({
      file: { frontend: extracted },
      before: { frontend: { ...staged, traffic: blue } },
      at: 24,
    });
    assert.match(renderPlanMarkdown(found), /^- \[ \] \*\*frontend\*\*/m);
  });
});
