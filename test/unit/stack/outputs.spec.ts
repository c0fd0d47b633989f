import assert from "node:assert/strict";
import { parseOutputs } from "../../../stack/outputs";

describe("what the last update left, by the stack's outputs", () => {
  it("is splits, owner, phase, completed digests, databases and steps", () => {
    const step = { image: "migrations:1", before: "b", after: "a", kind: "expand", seconds: 1.5 };
    const outputs = {
      targets: {
        frontend: { split: "legacy 90 / blue 10", stage: "splitting" },
        docs: { split: "legacy 100" },
        automation: {
          split: "legacy 100",
          database: { instance: "automation-postgresql", mode: "read-only" },
        },
      },
      infrastructure: { owner: "pulumi" },
      migration: { phase: "partial-thaw", state: "migrating" },
      completed: { frontend: ["sha256:1"] },
      steps: { "auth-service": step },
    };
    assert.deepEqual(parseOutputs(outputs), {
      splits: new Map([
        ["frontend", { legacy: 90, blue: 10, green: 0 }],
        ["automation", { legacy: 100, blue: 0, green: 0 }],
        ["docs", { legacy: 100, blue: 0, green: 0 }],
      ]),
      owner: "pulumi",
      phase: "partial-thaw",
      completed: new Map([["frontend", ["sha256:1"]]]),
      databases: new Map([["automation", { instance: "automation-postgresql", mode: "read-only" }]]),
      steps: new Map([["auth-service", { ...step, instance: "auth-service-postgresql" }]]),
    });
  });

  it("takes a step of which no instance is said for one of the instance in use then", () => {
    const step = { image: "migrations:1", before: "b", after: "a", kind: "expand", seconds: 1.5 };
    const database = { instance: "automation-postgresql-2", mode: "read-write" };
    const targets = { automation: { split: "legacy 100", database } };
    const instanceOf = (said: object) =>
      parseOutputs({ targets, steps: { automation: { ...step, ...said } } }).steps.get("automation")
        ?.instance;
    assert.equal(instanceOf({}), "automation-postgresql-2");
    assert.equal(instanceOf({ instance: "automation-postgresql" }), "automation-postgresql");
  });

  it("is nothing before the first update", () => {
    const nothing = {
      splits: new Map(),
      owner: undefined,
      phase: undefined,
      completed: new Map(),
      steps: new Map(),
      databases: new Map(),
    };
    assert.deepEqual(parseOutputs({}), nothing);
  });

  for (const [what, targets] of Object.entries<unknown>({
    "an output of another shape": { frontend: "legacy 100" },
    "a target that isn't one": { monolith: { split: "legacy 100" } },
    "a split that can't be read": { frontend: { split: "legacy 100 %" } },
  })) {
    it(`has no splits for ${what}`, () => {
      assert.deepEqual(parseOutputs({ targets }).splits, new Map());
    });
  }

  it("takes no words for an owner, a phase or a digest that they aren't", () => {
    const { owner, phase, completed } = parseOutputs({
      infrastructure: { owner: "nobody" },
      migration: { phase: "spring" },
      completed: { frontend: "sha256:1", monolith: ["sha256:2"] },
    });
    assert.deepEqual([owner, phase, completed], [undefined, undefined, new Map()]);
  });
});
