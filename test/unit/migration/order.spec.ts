import assert from "node:assert/strict";
import { type RoutedTargetName, routedTargets } from "../../../catalog";
import {
  ALL_LEGACY,
  type JudgeInput,
  type Split,
  type WantedTarget,
  allOn,
  judge,
  nextRecord,
} from "../../../migration";
import { calm, hoursLater, judgeInput, soakHours, start } from "./arbitraries";

const part: Split = { legacy: 90, blue: 10, green: 0 };
const blue = allOn("blue");
const retired = { legacy: "retired" } as const;

type Targets = Partial<Record<RoutedTargetName, readonly [before: WantedTarget, wanted?: WantedTarget]>>;

/** What the rules refuse, of targets that were as `before` since `start`, when a soak has passed. */
function violations(targets: Targets, circumstances: Partial<JudgeInput> = {}) {
  const entries = routedTargets.flatMap((target) => {
    const [before, wanted = before] = targets[target] ?? [];
    if (before === undefined || wanted === undefined) return [];
    const fresh = nextRecord(target, undefined, calm(ALL_LEGACY), start);
    return [{ target, live: nextRecord(target, fresh, before, start), wanted }];
  });
  return judge(
    judgeInput({
      live: new Map(entries.map(({ target, live }) => [target, live])),
      applied: new Map(entries.map(({ target, live }) => [target, live.split])),
      wanted: new Map(entries.map(({ target, wanted }) => [target, wanted])),
      now: hoursLater(soakHours),
      ...circumstances,
    }),
  );
}

function names(targets: Targets, circumstances: Partial<JudgeInput> = {}): string[] {
  return violations(targets, circumstances).map(({ rule, key }) => `${rule} ${key}`);
}

const setsOut = [calm(ALL_LEGACY), calm(part)] as const;
const early = hoursLater(1);

describe("rule order", () => {
  it("lets a target leave legacy once all of the tiers and priorities before it are soaked or extracted", () => {
    const done = { frontend: [calm(blue)], "llm-orchestrator": [calm(blue, retired)] } as const;
    assert.deepEqual(names({ ...done, "mcp-server": setsOut }), []);
    assert.deepEqual(violations({ ...done, "auth-service": [calm(ALL_LEGACY)], "mcp-server": setsOut }), [
      {
        target: "mcp-server",
        rule: "order",
        key: "pyairtable:mcp-server.traffic",
        found: "legacy 90 / blue 10 while auth-service is staged",
        expected: "all that comes before mcp-server (tier 2, P2) to be soaked or extracted",
        fix: "take the plan's order: tier, then priority; cutover plan shows it",
      },
    ]);
  });

  it("names the first few of many, and says when time alone ends it", () => {
    const many = {
      frontend: [calm(ALL_LEGACY)],
      "api-gateway": [calm(ALL_LEGACY)],
      "auth-service": [calm(ALL_LEGACY)],
      "llm-orchestrator": [calm(ALL_LEGACY)],
      automation: setsOut,
    } as const;
    assert.equal(
      violations(many)[0]?.found,
      "legacy 90 / blue 10 while frontend is staged, api-gateway is staged, auth-service is staged, 1 more are not through",
    );
    const soaks = violations({ frontend: [calm(blue)], docs: setsOut }, { now: early, ownership: pulumi });
    assert.deepEqual(
      soaks.map(({ rule, notBefore }) => ({ rule, notBefore })),
      ["one-in-flight", "order"].map((rule) => ({ rule, notBefore: hoursLater(soakHours) })),
    );
  });

  it("leaves targets of one tier and priority to the team", () => {
    assert.deepEqual(names({ frontend: [calm(ALL_LEGACY)], "auth-service": setsOut }), []);
  });

  it("doesn't hold up one that has left legacy, when an earlier one goes back", () => {
    assert.deepEqual(names({ frontend: [calm(ALL_LEGACY)], docs: [calm(part), calm(blue)] }), []);
  });

  const pulumi = { applied: "pulumi", wanted: "pulumi" } as const;

  it("puts the infrastructure between tier 2 and docs", () => {
    assert.deepEqual(names({ docs: setsOut }), ["order pyairtable:docs.traffic"]);
    assert.deepEqual(names({ docs: setsOut }, { ownership: pulumi }), []);
    const adopted = { ownership: { applied: "terraform", wanted: "pulumi" } } as const;
    assert.deepEqual(names({ automation: [calm(ALL_LEGACY)] }, adopted), [
      "order pyairtable:infrastructure.owner",
    ]);
    assert.deepEqual(names({ automation: [calm(blue)] }, adopted), []);
    assert.deepEqual(names({ automation: [calm(blue)] }, { ...adopted, now: early }), [
      "one-in-flight pyairtable:infrastructure.owner",
      "order pyairtable:infrastructure.owner",
    ]);
  });

  it("lets the infrastructure go back to Terraform at any time", () => {
    const released = { ownership: { applied: "pulumi", wanted: "terraform" } } as const;
    assert.deepEqual(names({ frontend: [calm(part)] }, released), []);
  });
});

describe("rule retired-after-callers", () => {
  it("keeps a legacy that the legacy of another calls", () => {
    const both = { frontend: [calm(blue)], "api-gateway": [calm(blue), calm(blue, retired)] } as const;
    assert.deepEqual(violations(both), [
      {
        target: "api-gateway",
        rule: "retired-after-callers",
        key: "pyairtable:api-gateway.legacy",
        found: "retired while the legacy of frontend runs and calls it",
        expected: "standby until the legacy of frontend is retired too",
        fix: "retire the callers first: pyairtable:frontend.legacy: retired",
      },
    ]);
  });

  it("lets both go in one update", () => {
    const retires = [calm(blue), calm(blue, retired)] as const;
    assert.deepEqual(names({ frontend: retires, "api-gateway": retires }), []);
  });

  it("asks nothing of a legacy that is retired already", () => {
    const back = [calm(blue, retired), calm(ALL_LEGACY)] as const;
    assert.deepEqual(names({ frontend: back, "api-gateway": [calm(blue, retired)] }), []);
  });
});

describe("an override", () => {
  const override = {
    target: "docs",
    rule: "order",
    reason: "the printer is on fire",
    approver: "Grace",
    expires: hoursLater(soakHours + 1),
  } as const;

  it("sets one rule aside for one target until it expires", () => {
    assert.deepEqual(names({ docs: setsOut }, { overrides: [override] }), []);
    const refused = ["order pyairtable:docs.traffic"];
    const others = [
      { ...override, target: "automation" },
      { ...override, rule: "freeze" },
      { ...override, expires: hoursLater(soakHours) },
    ] as const;
    for (const other of others) assert.deepEqual(names({ docs: setsOut }, { overrides: [other] }), refused);
  });
});
