import assert from "node:assert/strict";
import { type RoutedTargetName, catalogEntry, routedTargets, targetNames } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import { type CompatibilityMatrix, type MatrixRow, matrixOf } from "../../../cutover/compatibility";
import { renderMatrix, renderMatrixMarkdown } from "../../../cutover/matrixView";
import type { LiveRoute } from "../../../migration";
import { type File, digest, stackFile } from "../config/stackFile";
import { extracted, hours, part, routeOf, staged, wantedOf } from "./situations";

const other = `registry/app@sha256:${"b".repeat(64)}`;

/** @param before what the file said when it was last applied */
function matrix(
  file: File,
  before: File | undefined = file,
  routes: Partial<Record<RoutedTargetName, LiveRoute>> = {},
): CompatibilityMatrix {
  const was = wantedOf(before);
  const live = new Map(
    routedTargets.map((target) => [target, routes[target] ?? routeOf(target, was[target])]),
  );
  return matrixOf({ config: parseStackConfig(stackFile(file)), live, now: hours(1) });
}

const offline = (file: File): CompatibilityMatrix =>
  matrixOf({ config: parseStackConfig(stackFile(file)), live: undefined, now: hours(1) });

function row({ targets }: CompatibilityMatrix, name: string): MatrixRow {
  return targets.find(({ target }) => target === name) ?? assert.fail(name);
}

const busy = {
  frontend: { ...staged, green: other, traffic: part },
  "mcp-server": extracted,
  infrastructure: { owner: "pulumi" },
};

describe("the compatibility matrix", () => {
  it("has all nine targets in the plan's order, each with what the catalog says that it depends on", () => {
    const { targets } = matrix({});
    assert.deepEqual(
      targets.map(({ target }) => target),
      targetNames,
    );
    for (const target of routedTargets) {
      assert.deepEqual(
        row({ ...matrix({}), targets }, target).dependsOn.map((each) => each.target),
        catalogEntry(target).dependencies,
      );
    }
  });

  it("says what runs, what is pinned, and who serves a target and what it calls", () => {
    const found = matrix(busy);
    assert.deepEqual(row(found, "frontend"), {
      target: "frontend",
      stage: "splitting",
      serves: part,
      legacy: "standby",
      blue: { runs: digest, pinned: digest },
      green: { runs: other, pinned: other },
      implementation: null,
      dependsOn: [{ target: "api-gateway", serves: { legacy: 100, blue: 0, green: 0 } }],
    });
    assert.deepEqual(row(found, "llm-orchestrator").dependsOn, [
      { target: "mcp-server", serves: { legacy: 0, blue: 100, green: 0 } },
    ]);
    assert.deepEqual(
      [row(found, "mcp-server").stage, row(found, "mcp-server").legacy],
      ["releasing", "retired"],
    );
    assert.equal(row(found, "infrastructure").stage, "pulumi");
  });

  it("names the implementation that is extracted, and those that are archived", () => {
    assert.deepEqual(row(matrix({}), "api-gateway").implementation, { runtime: "python", archived: ["go"] });
  });

  it("tells what runs from what the file asks for", () => {
    const { blue, green } = row(matrix({ docs: { blue: other, green: other } }, { docs: staged }), "docs");
    assert.deepEqual(
      [blue, green],
      [
        { runs: digest, pinned: other },
        { runs: null, pinned: other },
      ],
    );
  });

  it("believes no route that was changed by hand", () => {
    const found = matrix({ "api-gateway": staged }, undefined, { "api-gateway": { tampered: "edited" } });
    const { stage, serves, blue } = row(found, "api-gateway");
    assert.deepEqual([stage, serves, blue], [null, null, { runs: null, pinned: digest }]);
    assert.deepEqual(row(found, "frontend").dependsOn, [{ target: "api-gateway", serves: null }]);
  });

  it("is as the file asks where no cluster answers", () => {
    const found = offline(busy);
    assert.equal(found.isLive, false);
    const { stage, serves, blue } = row(found, "frontend");
    assert.deepEqual([stage, serves, blue], [null, part, { runs: null, pinned: digest }]);
  });
});

describe("the compatibility matrix for people", () => {
  it("is plain columns, with a line per dependency and what is not pinned counted", () => {
    const local = {
      platform: { environment: "local" },
      frontend: { blue: other, green: "localhost/app:1.0.0", traffic: part },
      "api-gateway": {},
    };
    const found = matrix(
      local,
      { ...local, frontend: { ...local.frontend, blue: digest } },
      { docs: { tampered: "x" } },
    );
    assert.deepEqual(renderMatrix(found).split("\n"), [
      "target            stage      served by            legacy   blue                          green  depends on, served by",
      "frontend          splitting  legacy 90 / blue 10  standby  aaaaaaaaaaaa -> bbbbbbbbbbbb  1.0.0  api-gateway legacy 100",
      "api-gateway       legacy     legacy 100           standby  –                             –      auth-service legacy 100",
      "                                                                                                llm-orchestrator legacy 100",
      "                                                                                                mcp-server legacy 100",
      "                                                                                                airtable-gateway legacy 100",
      "                                                                                                automation legacy 100",
      "auth-service      legacy     legacy 100           standby  –                             –      –",
      "llm-orchestrator  legacy     legacy 100           standby  –                             –      mcp-server legacy 100",
      "mcp-server        legacy     legacy 100           standby  –                             –      airtable-gateway legacy 100",
      "airtable-gateway  legacy     legacy 100           standby  –                             –      –",
      "automation        legacy     legacy 100           standby  –                             –      airtable-gateway legacy 100",
      "infrastructure    terraform  –                    –        –                             –      –",
      "docs              –          changed by hand      standby  –                             –      –",
      "",
      "at 2026-11-23T09:00:00.000Z; where two images are named, the first runs and the file asks for the second",
      "2 images in the file, 1 pinned by digest, 1 by tag only",
      "api-gateway: the python implementation is extracted; archived: go",
    ]);
  });

  it("names what is pinned where no cluster answers, and says that it knows no more", () => {
    const lines = renderMatrix(offline({ frontend: staged })).split("\n");
    assert.match(lines[1] ?? "", /^frontend +– +legacy 100 +standby +aaaaaaaaaaaa +–/);
    assert.ok(
      lines.includes("at 2026-11-23T09:00:00.000Z, by the stack file alone: nothing is known of what runs"),
    );
  });

  it("is a table in Markdown too", () => {
    const lines = renderMatrixMarkdown(matrix({ frontend: staged })).split("\n");
    assert.deepEqual(lines.slice(0, 4), [
      "| target | stage | served by | legacy | blue | green | depends on, served by |",
      "| --- | --- | --- | --- | --- | --- | --- |",
      "| frontend | staged | legacy 100 | standby | aaaaaaaaaaaa | – | api-gateway legacy 100 |",
      "| api-gateway | legacy | legacy 100 | standby | – | – | auth-service legacy 100<br>llm-orchestrator legacy 100<br>mcp-server legacy 100<br>airtable-gateway legacy 100<br>automation legacy 100 |",
    ]);
    assert.equal(lines.at(-1), "- api-gateway: the python implementation is extracted; archived: go");
  });
});
