import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { DispatchExecutor } from "../../../guard/dispatchExecutor";
import type { Intent } from "../../../guard/intents";
import { ALL_LEGACY } from "../../../migration";
import { type HttpStub, type Reply, startHttpStub } from "../support/httpStub";

const bodySchema = z.object({ ref: z.string(), inputs: z.record(z.string(), z.string()) });

describe("recording by a workflow", () => {
  let folder: string;
  let github: HttpStub;
  let runs: {
    id: number;
    display_title: string;
    created_at: string;
    status: string;
    conclusion: string | null;
  }[];
  let refusal: Reply | undefined;
  /** What a run that is dispatched comes to. */
  let conclusions: string[];

  beforeEach(async () => {
    [runs, refusal, conclusions] = [[], undefined, []];
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "guard-dispatch-"));
    fs.writeFileSync(path.join(folder, "token"), "token-of-this-test\n");
    github = await startHttpStub(({ method, path: asked, headers, body }) => {
      if (headers.authorization !== "Bearer token-of-this-test") return { status: 401 };
      if (refusal !== undefined) return refusal;
      if (method === "GET") {
        const answer = { workflow_runs: runs.map((run) => ({ ...run, html_url: `https://runs/${run.id}` })) };
        // Seen as running once, then as ended.
        for (const run of runs) if (run.conclusion !== null) run.status = "completed";
        return { body: answer };
      }
      const workflow = /^\/repos\/team\/platform\/actions\/workflows\/(.*)\.yml\/dispatches$/.exec(
        asked,
      )?.[1];
      const { inputs } = bodySchema.parse(JSON.parse(body));
      const where = `(${inputs["target"] ?? ""}) on ${inputs["stack"] ?? ""}`;
      runs.push({
        id: runs.length + 1,
        display_title:
          workflow === "rollback" ? `level ${inputs["level"] ?? ""} ${where}` : `${workflow ?? ""} ${where}`,
        created_at: new Date().toISOString(),
        status: "in_progress",
        conclusion: conclusions.shift() ?? "success",
      });
      return { status: 204 };
    });
  });

  afterEach(async () => {
    await github.close();
    fs.rmSync(folder, { recursive: true });
  });

  const executor = (): DispatchExecutor =>
    new DispatchExecutor({
      api: new URL(github.origin),
      repository: "team/platform",
      tokenFile: path.join(folder, "token"),
      stack: "prod",
      pollMs: 5,
    });
  const intent = (target: Intent["target"] = "frontend"): Intent => ({
    target,
    split: ALL_LEGACY,
    from: "blue 100",
    because: `ErrorsTooHigh of ${target}/blue`,
    since: new Date(),
  });
  const dispatched = (): unknown[] =>
    github.asked.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body) as unknown);

  it("asks for a run of the target and waits for its end", async () => {
    assert.deepEqual(await executor().record(intent()), { done: true, problems: [] });
    const inputs = {
      level: "1",
      target: "frontend",
      because: "ErrorsTooHigh of frontend/blue",
      stack: "prod",
    };
    assert.deepEqual(dispatched(), [{ ref: "main", inputs }]);
  });

  it("asks for level 2 for several, with the traffic kept where it is", async () => {
    const intents = [intent(), intent("docs")];
    assert.deepEqual(await executor().recordTogether(intents), { done: true, problems: [] });
    const because = "ErrorsTooHigh of frontend/blue; ErrorsTooHigh of docs/blue";
    const inputs = { level: "2", target: "frontend", because, keepTraffic: "true", stack: "prod" };
    assert.deepEqual(dispatched(), [{ ref: "main", inputs }]);
  });

  it("has another workflow make a target read-only", async () => {
    const because = "DatabaseCorrupt of automation";
    const protection = { target: "automation", because, since: new Date() } as const;
    assert.deepEqual(await executor().protect(protection), { done: true, problems: [] });
    assert.deepEqual(dispatched(), [
      { ref: "main", inputs: { target: "automation", because, stack: "prod" } },
    ]);
    assert.equal(runs[0]?.display_title, "read-only (automation) on prod");
    // The same again, after a crash: it is waited for, not asked for a second time.
    assert.deepEqual(await executor().protect(protection), { done: true, problems: [] });
    assert.equal(dispatched().length, 1);
  });

  it("waits for the run that a guard before it has asked for", async () => {
    const begun = intent();
    runs.push({
      id: 7,
      display_title: "level 1 (frontend) on prod",
      created_at: new Date().toISOString(),
      status: "in_progress",
      conclusion: "success",
    });
    assert.deepEqual(await executor().record(begun), { done: true, problems: [] });
    assert.deepEqual(dispatched(), []);
  });

  it("takes no older run, and none of another target, for its own", async () => {
    const other = { status: "completed", conclusion: "success", created_at: new Date().toISOString() };
    runs.push({ id: 1, display_title: "level 1 (docs) on prod", ...other });
    runs.push({ id: 2, display_title: "level 1 (frontend) on staging", ...other });
    const old = new Date(Date.now() - 3_600_000).toISOString();
    runs.push({ id: 3, display_title: "level 1 (frontend) on prod", ...other, created_at: old });
    await executor().record(intent());
    assert.equal(dispatched().length, 1);
  });

  it("says how a run has failed, and asks for another when it is told to go on", async () => {
    conclusions = ["failure", "success"];
    const begun = intent();
    const first = await executor().record(begun);
    assert.ok(!first.done);
    assert.match(first.why, /ended with failure: https:\/\/runs\/1/);
    assert.deepEqual(await executor().record(begun), { done: true, problems: [] });
    assert.equal(dispatched().length, 2);
  });

  it("says what GitHub refuses, and never its own token", async () => {
    refusal = { status: 403, body: "Resource not accessible by personal access token" };
    const refused = await executor().record(intent());
    assert.ok(!refused.done);
    assert.match(refused.why, /status 403 \(Resource not accessible/);
    assert.doesNotMatch(refused.why, /token-of-this-test/);
  });
});
