import assert from "node:assert/strict";
import { stringify } from "yaml";
import { fileStateOf, isUnreadable, stateOfValues } from "../../../cutover/fileState";
import type { FileState, Told } from "../../../cutover/fileState";
import { digest, stackFile } from "../config/stackFile";
import { extracted } from "./situations";

function readable(told: Told<FileState>): FileState {
  assert.ok(!isUnreadable(told), JSON.stringify(told));
  return told;
}

describe("what a version of the stack file asks for", () => {
  it("is each target's traffic, images and legacy, and the owner", () => {
    const { targets, owner } = readable(
      fileStateOf(stringify({ config: stackFile({ frontend: extracted }) })),
    );
    assert.equal(targets.size, 8);
    assert.deepEqual(targets.get("frontend"), {
      split: { legacy: 0, blue: 100, green: 0 },
      images: { blue: digest },
      legacy: "retired",
      adopt: false,
    });
    assert.equal(owner, "terraform");
  });

  it("is read from a version that today's schema refuses for another reason", () => {
    const text = stringify({ config: stackFile({ frontend: { replicas: 3 }, platform: { unheard: "of" } }) });
    assert.deepEqual(readable(fileStateOf(text)).targets.get("frontend"), {
      split: { legacy: 100, blue: 0, green: 0 },
      images: { blue: digest },
      legacy: "standby",
      adopt: false,
    });
  });

  it("leaves the other targets readable when one isn't, and says what was expected of that one", () => {
    const { targets, owner } = stateOfValues({
      ...stackFile({
        frontend: { traffic: { legacy: 100, blue: 10, green: 0 } },
        docs: { traffic: { legacy: "all", blue: 0, green: 0 } },
        automation: { traffic: undefined },
        "mcp-server": { legacy: "gone" },
        infrastructure: { owner: "nobody" },
      }),
      "pyairtable:api-gateway": "on legacy",
      "pyairtable:auth-service": undefined,
    });
    const why = (told: unknown): unknown =>
      typeof told === "object" && told && "unreadable" in told ? told.unreadable : told;
    assert.deepEqual(
      (["frontend", "docs", "automation", "mcp-server", "api-gateway", "auth-service"] as const).map((name) =>
        why(targets.get(name)),
      ),
      [
        "traffic: expected a sum of 100",
        "traffic.legacy: expected an integer from 0 to 100",
        "traffic: expected a map of percents: legacy, blue, green",
        "legacy: expected standby or retired",
        "expected a map",
        "it has no such key",
      ],
    );
    assert.equal(why(owner), "owner: expected terraform or pulumi");
    assert.ok(!isUnreadable(targets.get("llm-orchestrator") ?? { unreadable: "" }));
  });

  it("is nothing for a text that is no stack file, and the reason quotes nothing of it", () => {
    const spoilt = fileStateOf('config:\n  pyairtable:frontend: {secret: "hunter2"\n');
    assert.ok(isUnreadable(spoilt));
    assert.match(spoilt.unreadable, /^the stack file is not valid YAML: /);
    assert.doesNotMatch(spoilt.unreadable, /hunter2|\n/);
    assert.deepEqual(fileStateOf("<<<<<<< HEAD"), {
      unreadable: "found no key config in the stack file, expected the stack's config under it",
    });
  });
});
