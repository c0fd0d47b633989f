import assert from "node:assert/strict";
import { z } from "zod";
import { dashboardText } from "../../../monitoring/dashboardText";
import type { MonitoredTarget } from "../../../monitoring/monitoredTarget";
import { promqlProblem } from "../../../monitoring/promqlSyntax";
import { monitored } from "./monitored";

const dashboardSchema = z.object({
  uid: z.string(),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string() })) }),
  panels: z.array(
    z.object({
      type: z.string(),
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).optional(),
      fieldConfig: z
        .object({
          defaults: z.object({
            thresholds: z.object({ steps: z.array(z.object({ value: z.number().nullable() })) }).optional(),
          }),
        })
        .optional(),
    }),
  ),
});

type Drawn = z.infer<typeof dashboardSchema>;

function draw(changes: Partial<MonitoredTarget> = {}): Drawn {
  return dashboardSchema.parse(JSON.parse(dashboardText(monitored(changes))));
}

/** The panels under a row. */
function row({ panels }: Drawn, title: string): Drawn["panels"] {
  const start = panels.findIndex((panel) => panel.type === "row" && panel.title === title);
  assert.notEqual(start, -1);
  const rest = panels.slice(start + 1);
  const end = rest.findIndex(({ type }) => type === "row");
  return end === -1 ? rest : rest.slice(0, end);
}

function limits(panel: Drawn["panels"][number] | undefined): readonly (number | null)[] {
  return (panel?.fieldConfig?.defaults.thresholds?.steps ?? []).map(({ value }) => value);
}

describe("a target's dashboard", () => {
  it("has the split wanted beside the split realised", () => {
    assert.deepEqual(
      row(draw(), "Split").map(({ title }) => title),
      ["Wanted", "Realised"],
    );
  });

  it("has the three backends side by side for each indicator", () => {
    for (const title of ["Requests", "Errors", "Latency", "Health", "Connections to the database"]) {
      const panels = row(draw(), title);
      assert.deepEqual(
        panels.map((panel) => [panel.title, panel.gridPos.x]),
        [
          ["legacy", 0],
          ["blue", 8],
          ["green", 16],
        ],
      );
      assert.equal(new Set(panels.map(({ gridPos }) => gridPos.y)).size, 1);
    }
  });

  it("draws where a warning and a rollback begin; for latency only from a measured baseline", () => {
    assert.deepEqual(limits(row(draw(), "Errors")[0]), [null, 0.05, 0.1]);
    assert.deepEqual(limits(row(draw(), "Latency")[0]), [null, 0.24, 0.3]);
    const { baseline, ...unmeasured } = monitored();
    assert.ok(baseline);
    const drawn = dashboardSchema.parse(JSON.parse(dashboardText(unmeasured)));
    assert.deepEqual(limits(row(drawn, "Latency")[0]), []);
  });

  it("marks changes of the split, and deployments", () => {
    const { annotations } = draw();
    const marks = annotations.list.filter(({ expr }) => expr !== "").map(({ name }) => name);
    assert.deepEqual(marks, ["Splits", "Deployments"]);
  });

  it("shows how safe the data is, of a target that has a database", () => {
    assert.deepEqual(
      row(draw(), "Database").map(({ title }) => title),
      ["Waits for the archive", "Age of the newest backup", "Pages with a wrong checksum"],
    );
    const without = draw({ database: false }).panels.map(({ title }) => title);
    assert.ok(without.includes("Health"));
    assert.deepEqual(
      without.filter((title) => /database/i.test(title)),
      [],
    );
  });

  it("shows the target's own indicators", () => {
    const indicators = [{ name: "LoginsFailing", expr: "sum(rate(logins_failed_total[1m]))", above: 0.5 }];
    assert.deepEqual(
      row(draw({ indicators }), "Its own").map(({ title }) => title),
      ["LoginsFailing (above 0.5)"],
    );
    assert.ok(!draw().panels.some(({ title }) => title === "Its own"));
  });

  it("asks Prometheus for nothing that it can't parse, and only of this target", () => {
    const { panels, annotations } = draw();
    const asked = [...panels.flatMap(({ targets }) => targets ?? []), ...annotations.list];
    assert.ok(asked.length > 16);
    for (const { expr } of asked) {
      assert.equal(promqlProblem(expr), undefined, expr);
      assert.ok(expr.includes('target="frontend"'), expr);
    }
  });
});
