import assert from "node:assert/strict";
import { z } from "zod";
import type { LocalStack } from "../../local/localStack";
import { cutover } from "./cutoverCommand";
import { stackOnLegacy, succeeded } from "./world";

const historySchema = z.object({
  updatesUnreadable: z.null(),
  transitions: z.array(
    z.object({
      commit: z.string(),
      by: z.string(),
      target: z.string(),
      changes: z.array(z.record(z.string(), z.unknown())),
      road: z.enum(["fast", "plain"]),
      good: z.string().nullable(),
      updates: z.array(z.object({ result: z.string(), seconds: z.number() })),
    }),
  ),
});

const checklistSchema = z.object({
  sections: z.array(
    z.object({
      items: z.array(z.object({ text: z.string(), state: z.string(), fact: z.string().nullable() })),
    }),
  ),
});

const reportSchema = z.object({
  isCurrent: z.literal(true),
  critical: z.object({ extracted: z.array(z.string()), of: z.literal(4) }),
  rollbacks: z.number(),
  transitions: z.array(z.object({ target: z.string(), road: z.string() })),
  deployments: z.object({ succeeded: z.number(), failed: z.number(), empty: z.number() }),
  blocked: z.array(z.string()),
});

const onLegacy = { legacy: 100, blue: 0, green: 0 };
const partly = { legacy: 90, blue: 10, green: 0 };

describe("history, report and checklist, of a step forward and its rollback", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("reports");
    await stack.git("config", "user.name", "on call");
    await stack.git("config", "user.email", "on-call@localhost");
    for (const args of [
      ["advance", "frontend", "--yes"],
      ["rollback", "frontend"],
    ]) {
      const { code, stderr } = await cutover(stack, args);
      assert.equal(code, 0, stderr);
    }
  });

  after(async () => {
    succeeded(await stack.preview());
  });

  async function json<T>(schema: z.ZodType<T>, ...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await cutover(stack, [...args, "--json"]);
    assert.equal(code, 0, stderr);
    return schema.parse(JSON.parse(stdout));
  }

  it("has exactly the two in the history, newest first, each verified and carried out by one update", async () => {
    const { transitions } = await json(historySchema, "history", "frontend");
    const [rollback, forward, staged] = transitions;
    assert.equal(transitions.length, 3);
    assert.deepEqual(
      [rollback, forward].map((each) => [each?.changes, each?.road, each?.by]),
      [
        [[{ kind: "traffic", from: partly, to: onLegacy, direction: "rollback" }], "fast", "on call"],
        [[{ kind: "traffic", from: onLegacy, to: partly, direction: "forward" }], "plain", "on call"],
      ],
    );
    for (const each of [rollback, forward]) {
      assert.equal(
        await stack.git("rev-list", "-1", each?.good ?? "no tag"),
        `${each?.commit ?? ""}\n`,
        "the tag marks the commit",
      );
      assert.deepEqual(
        each?.updates.map(({ result }) => result),
        ["succeeded"],
      );
    }
    assert.deepEqual(
      staged?.changes.map(({ kind, color }) => [kind, color]),
      [["image", "blue"]],
    );
    const words = await cutover(stack, ["history", "frontend", "--limit", "1"]);
    assert.match(
      words.stdout,
      /^when .*\n\S+Z +frontend +rollback: legacy 90 \/ blue 10 -> legacy 100 +fast +on call +[0-9a-f]{9} +good, updated in \d+ s\n$/,
    );
  });

  it("tells them in the day's report, which is Markdown", async () => {
    const report = await json(reportSchema, "report", "--day");
    assert.deepEqual(
      report.transitions.filter(({ target }) => target === "frontend").map(({ road }) => road),
      ["plain", "plain", "fast"],
    );
    assert.equal(report.rollbacks, 1);
    assert.deepEqual(report.critical.extracted, []);
    assert.ok(report.deployments.succeeded >= 2, JSON.stringify(report.deployments));
    assert.deepEqual(report.blocked, []);
    const words = await cutover(stack, ["report", "--day"]);
    assert.match(words.stdout, /^# Migration standup, \d{4}-\d\d-\d\d\n/);
    assert.match(words.stdout, /\n- Rollback incidents: 1\n {2}- `.* frontend: rollback: /);
    const week = await cutover(stack, ["report", "--week", "1"]);
    assert.match(
      week.stdout,
      /^# Migration Week 1 Progress Report\n[^]*\n- Critical services extracted: 0\/4\n/,
    );
    assert.match(week.stdout, /\n- Rollbacks: 1\n/);
  });

  it("ticks in the checklist what they have proven, and nothing more", async () => {
    const { sections } = await json(checklistSchema, "checklist", "frontend");
    const items = sections.flatMap((section) => section.items);
    const done = items.filter(({ state }) => state === "done");
    assert.deepEqual(
      done.map(({ text }) => text),
      [
        "Service dependency mapping complete",
        "Rollback procedure documented and tested",
        "Staging environment prepared",
        "All services health checks green",
      ],
    );
    assert.match(done[1]?.fact ?? "", /^rolled back at .*, verified by good\/local\//);
    const deployed = items.find(({ text }) => text === "Production deployment successful");
    assert.deepEqual(
      [deployed?.state, deployed?.fact?.replace(/since .*,/, "since …,")],
      ["open", "legacy 100 since …, staged"],
    );
  });

  it("reports what git and the engine know when the cluster can't be reached, and says so", async () => {
    const { code, stdout } = await cutover(stack, ["report", "--day"], { KUBECONFIG: "/nowhere" });
    assert.equal(code, 0);
    assert.match(stdout, /\n- Blockers: not measured: .*\/nowhere.*\n- Rollback incidents: 1\n/);
  });

  it("says what it can't understand", async () => {
    for (const [args, message] of [
      [["report"], /^expected --week NUMBER, or --day with or without --date\n$/],
      [["report", "--week", "0"], /expected a whole number of 1 or more/],
      [["report", "--week", "1", "--day"], /^expected --week NUMBER, or --day/],
      [["report", "--day", "--date", "2025-02-30"], /expected a date \(2025-08-11\) or a time/],
      [["history", "--since", "yesterday"], /expected a date \(2025-08-11\) or a time/],
      [["checklist", "frontent"], /expected one of frontend, .*infrastructure, docs/],
    ] as const) {
      const { code, stdout, stderr } = await cutover(stack, args);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, message);
    }
  });
});
