import assert from "node:assert/strict";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { UpdateEvents } from "../../../cutover/updateEvents";

function judged(enforcementLevel: "mandatory" | "warning"): EngineEvent {
  return {
    sequence: 1,
    timestamp: 0,
    policyEvent: {
      resourceUrn: "urn:pulumi:prod::pyairtable::kubernetes:apps/v1:Deployment::docs-blue-deployment",
      message: "<{%reset%}>found replicas: 1, expected 2 or more<{%reset%}>",
      color: "never",
      policyName: "production-replicas",
      policyPackName: "pyairtable",
      policyPackVersion: "1",
      policyPackVersionTag: "1",
      enforcementLevel,
    },
  };
}

describe("what policies say in an update's events", () => {
  it("is kept with policy and resource where it refuses", () => {
    const events = new UpdateEvents();
    events.take(judged("mandatory"));
    events.take(judged("mandatory"));
    assert.deepEqual(events.refusals, [
      "production-replicas: docs-blue-deployment: found replicas: 1, expected 2 or more",
    ]);
  });

  it("refuses nothing where it only warns", () => {
    const events = new UpdateEvents();
    events.take(judged("warning"));
    assert.deepEqual(events.refusals, []);
  });
});
