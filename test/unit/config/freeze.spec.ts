import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { problemsOf, stackFile } from "./stackFile";

const signOff = {
  by: "Ada",
  role: "technical-lead",
  at: "2025-08-11T09:00:00Z",
  until: "2025-08-18T09:00:00Z",
  for: "PYA-7",
};
const change = { image: "sha256:1", kind: "security-patch", ticket: "PYA-7", signOffs: [signOff] };
const override = { rule: "order", reason: "a fire", approver: "Grace", expires: "2025-08-12T09:00:00Z" };

function problems(entry: Record<string, unknown>): readonly string[] {
  return problemsOf(stackFile({ frontend: entry }));
}

describe("an exception from the plan", () => {
  it("is read", () => {
    assert.deepEqual(problems({ changes: [change], overrides: [override] }), []);
  });

  it("may say its times without quotes, of which the CLI makes another text", () => {
    const { targets } = parseStackConfig(
      stackFile({ frontend: { overrides: [{ ...override, expires: "2125-01-01 00:00:00 +0000 UTC" }] } }),
    );
    assert.deepEqual(targets.frontend.overrides[0]?.expires, new Date("2125-01-01T00:00:00Z"));
  });

  it("is refused whole when any of it can't be understood", () => {
    const bad = {
      changes: [
        {
          ...change,
          kind: "feature",
          ticket: "",
          signOffs: [{ ...signOff, role: "intern", until: "2025-08-18" }],
        },
      ],
      overrides: [
        { ...override, rule: "drift", expires: "soon" },
        { ...override, expires: "2025-13-41T09:00:00Z", reason: 7 },
      ],
    };
    const time = "expected a time in UTC (2025-08-11T09:00:00Z)";
    assert.deepEqual(problems(bad), [
      'pyairtable:frontend.changes.0.kind: found "feature", expected one of new-feature, high-priority-feature, major-refactoring, dependency-upgrade, architecture-change, new-service, performance-optimization, ui-enhancement, critical-bug-fix, security-patch, migration-activity, repository-extraction, rollback, documentation',
      'pyairtable:frontend.changes.0.ticket: found "", expected the ticket that asks for it',
      'pyairtable:frontend.changes.0.signOffs.0.role: found "intern", expected product-manager or technical-lead',
      `pyairtable:frontend.changes.0.signOffs.0.until: found "2025-08-18", ${time}`,
      'pyairtable:frontend.overrides.0.rule: found "drift", expected one of one-in-flight, order, standby-while-soaking, retired-only-when-soaked, retired-after-callers, staging-first, freeze, evidence, shared-signing-key, resumption-after-tier-1',
      `pyairtable:frontend.overrides.0.expires: found "soon", ${time}`,
      "pyairtable:frontend.overrides.1.reason: found 7, expected why",
      `pyairtable:frontend.overrides.1.expires: found "2025-13-41T09:00:00Z", ${time}`,
    ]);
  });

  it("names its parts when one is missing or unknown", () => {
    assert.deepEqual(problems({ overrides: [{ rule: "order", until: "x" }] }), [
      "pyairtable:frontend.overrides.0.reason: found nothing, expected why",
      "pyairtable:frontend.overrides.0.approver: found nothing, expected who approved it",
      "pyairtable:frontend.overrides.0.expires: found nothing, expected a time in UTC (2025-08-11T09:00:00Z)",
      "pyairtable:frontend.overrides.0.until: found an unknown key, expected one of rule, reason, approver, expires",
    ]);
  });
});
