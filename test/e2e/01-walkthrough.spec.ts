import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { z } from "zod";
import { adminKubeconfig, checkoutDir, outDir } from "../../local/paths";
import { run } from "../../tools/child";
import { walkthrough } from "../../local/walkthrough";
import { tools } from "./world";

const reportSchema = z.object({
  steps: z.array(
    z.object({
      name: z.string(),
      requests: z.int(),
      failed: z.int(),
      split: z.object({ legacy: z.number(), blue: z.number(), green: z.number() }),
      lastOldAnswerMs: z.number().optional(),
    }),
  ),
  unasked: z.object({
    triggerTrueMs: z.number(),
    alertFiredMs: z.number(),
    trafficBackMs: z.number(),
    agreedMs: z.number(),
    failedBefore: z.int(),
    failedAfter: z.int(),
  }),
});

describe("the walkthrough", () => {
  let printed = "";
  let failed = -1;
  let steps: z.infer<typeof reportSchema>["steps"] = [];
  let unasked: z.infer<typeof reportSchema>["unasked"];
  let statusBefore = "";

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    statusBefore = await gitStatus();
    const output = new PassThrough();
    output.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    failed = await walkthrough(await tools(), path.join(outDir, "e2e", "walkthrough"), output);
    ({ steps, unasked } = reportSchema.parse(
      JSON.parse(fs.readFileSync(path.join(outDir, "e2e", "walkthrough.json"), "utf8")),
    ));
  });

  it("loses no request in any step", () => {
    assert.equal(failed, 0);
    assert.deepEqual(
      steps.map(({ failed: lost }) => lost),
      steps.map(() => 0),
    );
    for (const { name, requests } of steps) assert.ok(requests > 500, `${name}: only ${requests} requests`);
  });

  it("moves the frontend to blue in steps, and back by git revert", () => {
    const blueShare = new Map(steps.map(({ name, split }) => [name, split.blue]));
    assert.equal(blueShare.get("stage blue"), 0);
    assert.ok((blueShare.get("10 % blue") ?? 0) > 0);
    assert.ok((blueShare.get("50 % blue") ?? 0) > (blueShare.get("10 % blue") ?? 0));
    assert.equal(blueShare.get("100 % blue"), 100);
    assert.equal(blueShare.get("git revert"), 0);
  });

  it("says how long the old backend still answered", () => {
    const told = steps.filter(({ lastOldAnswerMs }) => lastOldAnswerMs !== undefined).map(({ name }) => name);
    assert.deepEqual(told, ["100 % blue", "git revert"]);
  });

  it("reaches the candidate by header before it has any weight", () => {
    assert.match(
      printed,
      /x-pyairtable-backend: blue' http:\/\/frontend\.localhost:8080\/ {2}# blue answered/,
    );
  });

  it("refuses a broken candidate with the pod's own reason", () => {
    assert.match(printed, /refused after/);
    assert.match(printed, /Readiness probe failed: HTTP probe failed with statuscode: 503/);
    assert.equal(steps.find(({ name }) => name === "broken green")?.split.green, 0);
  });

  it("is brought back by the guard when a candidate fails and nobody looks, and says what that took", () => {
    const { triggerTrueMs, alertFiredMs, trafficBackMs, agreedMs, failedBefore, failedAfter } = unasked;
    assert.ok(0 < triggerTrueMs && triggerTrueMs < alertFiredMs && alertFiredMs < agreedMs);
    // The window and two scrapes, and the aim for traffic.
    assert.ok(triggerTrueMs < 70_000, `${triggerTrueMs} ms until the trigger was true`);
    assert.ok(
      trafficBackMs - alertFiredMs < 3_000,
      `${trafficBackMs - alertFiredMs} ms from alert to traffic`,
    );
    assert.ok(failedBefore > 0);
    assert.equal(failedAfter, 0);
    assert.match(printed, /git: frontend: rollback to legacy 100 \(ErrorRateTooHigh of frontend\/blue\)/);
    for (const line of ["the trigger is true", "the alert fires", "traffic is back", "git and state agree"]) {
      assert.match(printed, new RegExp(`^${line} +\\d+\\.\\d s$`, "m"));
    }
  });

  it("leaves the checkout as it was", async () => assert.equal(await gitStatus(), statusBefore));
});

function gitStatus(): Promise<string> {
  return run("git", ["-C", checkoutDir, "status", "--porcelain"]);
}
