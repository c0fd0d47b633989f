import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { parseIncident } from "../../../guard/incidentFile";
import { replay } from "../../../guard/replay";

const file = path.join(__dirname, "..", "..", "incidents", "two-together.json");

describe("the replay of a recorded incident", () => {
  it("says what would have been done about each delivery", () => {
    const incident = parseIncident(fs.readFileSync(file, "utf8"));
    assert.ok(typeof incident !== "string");
    const told = replay(incident, 300_000).map(({ level, decisions }) => [
      level,
      ...decisions.map((each) => `${each.do} ${each.alert} ${each.to ?? each.why ?? ""}`),
    ]);
    assert.deepEqual(told, [
      [1, "rollback ErrorsTooHigh of frontend/blue legacy 100"],
      [
        1,
        "ignore ErrorsTooHigh of frontend/blue blue carries no traffic",
        "ignore LatencyHigh of docs/blue it is no trigger of the plan (no label action=rollback)",
      ],
      [
        2,
        "rollback HealthCheckFailing of api-gateway/blue legacy 100",
        "shout ErrorsTooHigh of docs/blue there is no standby that could take blue 100",
      ],
      [1, "ignore ErrorsTooHigh of frontend/blue it is resolved"],
    ]);
  });

  it("names all that is wrong with the file", () => {
    const wrong = JSON.stringify({
      routes: { frontend: { split: "blue 90" } },
      deliveries: [{ at: "yesterday", webhook: { version: "3", alerts: [] } }],
    });
    const said = parseIncident(wrong);
    assert.ok(typeof said === "string");
    for (const expected of [
      /found blue 90, expected a split/,
      /deliveries\[0\]\.at/,
      /webhook of version "4"/,
    ]) {
      assert.match(said, expected);
    }
  });
});
