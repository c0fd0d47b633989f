import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { RoutedTargetName } from "../../catalog";
import { editStackFile, setTraffic } from "../../config/edit";
import type { Split } from "../../migration";
import { matchGolden } from "./golden";
import { type PreparedSteps, stackGraph } from "./stackGraph";

const local = stackFile("local");
const allBlue: Split = { legacy: 0, blue: 100, green: 0 };

/** Each scenario is a series of updates, of which the last one's graph is kept. */
const scenarios: Readonly<Record<string, readonly string[]>> = {
  local: [local],
  staging: [stackFile("staging")],
  prod: [stackFile("prod")],
  "local-frontend-at-50": [local, withTraffic("frontend", { legacy: 50, blue: 50, green: 0 })],
  "local-frontend-and-automation-on-blue": [
    withTraffic("frontend", allBlue),
    withTraffic("automation", allBlue, withTraffic("frontend", allBlue)),
  ],
  "local-frontend-back-on-legacy": [withTraffic("frontend", allBlue), local],
  "local-frontend-extracted": [
    withTraffic("frontend", allBlue),
    retired("frontend", withTraffic("frontend", allBlue)),
  ],
  "local-auth-service-at-50-with-a-step": [
    local,
    withStep("auth-service", withTraffic("auth-service", { legacy: 50, blue: 50, green: 0 })),
  ],
};

/** For whichever scenario wants it. */
const prepared: PreparedSteps = new Map([
  [
    "auth-service",
    {
      image: stepOf("auth-service"),
      before: "1".repeat(64),
      after: "2".repeat(64),
      kind: "expand",
      reversible: true,
      backup: { label: "20250811-080000F", finishedAt: "2025-08-11T08:00:00.000Z" },
      preparedAt: "2025-08-11T08:30:00.000Z",
      seconds: 2,
      statements: [{ statement: "CREATE TABLE team (id bigint)", calls: 1, seconds: 2, rows: 0 }],
      locks: [],
      tables: [],
    },
  ],
]);

describe("graph of a stack", () => {
  for (const [name, stackFiles] of Object.entries(scenarios)) {
    it(`is as kept: ${name}`, async () => {
      matchGolden(name, await stackGraph(stackFiles, prepared));
    });
  }

  it("names every resource uniquely and puts each in a component", async () => {
    const graph = await stackGraph([local]);
    const names = graph.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    const atTheTop = graph.filter(({ parent }) => parent === undefined).map(({ type }) => type);
    assert.deepEqual([...new Set(atTheTop)].sort(), [
      "pulumi:providers:kubernetes",
      "pyairtable:index:DatabaseMonitoring",
      "pyairtable:index:ExtractedService",
      "pyairtable:index:Platform",
      "pyairtable:index:ServiceDatabase",
      "pyairtable:index:SharedResources",
    ]);
  });

  it("uses the stack's own provider for all that is in the cluster", async () => {
    const graph = await stackGraph([local]);
    const elsewhere = graph.filter(
      ({ type, provider }) => type.startsWith("kubernetes:") && provider !== "cluster",
    );
    assert.deepEqual(elsewhere, []);
  });
});

function stackFile(stack: string): string {
  return fs.readFileSync(path.join(__dirname, `../../Pulumi.${stack}.yaml`), "utf8");
}

function withTraffic(target: RoutedTargetName, split: Split, text = local): string {
  return setTraffic(text, target, split);
}

function withStep(target: RoutedTargetName, text: string): string {
  return editStackFile(text, ["config", `pyairtable:${target}`, "database", "migration"], stepOf(target));
}

function stepOf(target: RoutedTargetName): string {
  return `localhost/pyairtable-${target}-migrations:1`;
}

function retired(target: RoutedTargetName, text: string): string {
  return editStackFile(text, ["config", `pyairtable:${target}`, "legacy"], "retired");
}
