import assert from "node:assert/strict";
import { z } from "zod";
import { exitCodes } from "../../cutover/exitCodes";
import { type DataCase, caseOf, nameOf } from "../data/cases";
import { goThrough, goThroughKill } from "../data/goThrough";
import type { LegName } from "../data/legs";
import { DataScene, longestStallMs } from "../data/scene";
import { eventually } from "./prometheus";
import { refused, succeeded } from "./world";

const allKept = { lost: [], doubled: 0, unread: [] };

/** On one way there and back, here; `npm run soak -- data` kills everybody at every point. */
const kills = new Map<LegName, DataCase>(
  [
    caseOf("to 50 %", "step", "step running"),
    caseOf("rollback", "PostgreSQL", "route about to be written"),
    caseOf("down", "cutover", "down on the primary"),
  ].map((each) => [each.point.leg, each]),
);

describe("a target's data, written by all backends at once", function () {
  this.timeout(300_000);
  let scene: DataScene;

  before(async () => {
    scene = await DataScene.create("data");
  });

  after(async () => {
    try {
      const { acknowledged, failedAnswers, stallMs } = scene.writers.since(0);
      console.log(
        `      ${acknowledged} writes acknowledged, ${failedAnswers} answers were none, the longest write took ${stallMs} ms`,
      );
    } finally {
      await scene.close();
    }
  });

  afterEach(async () => {
    assert.deepEqual(await scene.missed(), allKept);
  });

  it("waits for its step to be tried on a shadow", async () => {
    await scene.needs("2");
    refused(await scene.stack.up(), /auth-service\.database\.migration \(schema-step\)/);
    assert.deepEqual(await columns("bucket"), []);
    await scene.stack.revert(1);
  });

  goes("prepare");

  it("isn't held up by a step that waits for somebody's long transaction, and gives up in time", async () => {
    assert.deepEqual([scene.tried?.kind, scene.tried?.reversible], ["expand", true]);
    const held = scene.legacy.run(
      "DO $$ BEGIN PERFORM 1 FROM records LIMIT 1; PERFORM pg_sleep(25); END $$;",
    );
    try {
      await untilRuns("pg_sleep(25)");
      const began = Date.now();
      refused(await scene.stack.up(), /lock timeout/);
      assert.deepEqual(await columns("bucket"), []);
      const { failedAnswers, stallMs } = scene.writers.since(began);
      assert.equal(failedAnswers, 0);
      assert.ok(stallMs < longestStallMs, `${stallMs} ms`);
    } finally {
      await held;
    }
  });

  goes("to 50 %");
  goes("to 100 %");

  it("has its step, which isn't taken back as long as the candidate has traffic", async () => {
    assert.deepEqual(await columns("bucket"), ["bucket"]);
    assert.equal((await scene.migrate("--down", "--yes")).code, exitCodes.refused);
  });

  goes("rollback");
  goes("step out");

  it("stays expanded, which every preview says", async () => {
    assert.match(succeeded(await scene.stack.preview()).output, /the data stays expanded/);
  });

  goes("down");

  it("was written all the time", () => {
    const { acknowledged } = scene.writers.since(0);
    assert.ok(acknowledged > 1000, `${acknowledged} writes`);
  });

  it("waits for it to be tried again once it was taken back", async () => {
    assert.deepEqual(await columns("bucket"), []);
    await scene.needs("2");
    refused(await scene.stack.up(), /auth-service\.database\.migration \(schema-step\)/);
    await scene.stack.revert(1);
  });

  it("stays as it is when a step fails where it is tried, which says why", async () => {
    await scene.needs("failing");
    const { code, stderr } = await scene.migrate("--prepare");
    assert.equal(code, exitCodes.failed);
    assert.match(stderr, /step ended with 1:\n.*division by zero/s);
    await scene.stack.revert(1);
    succeeded(await scene.stack.preview());
  });

  /** A leg of the way, with the kill that is on it. */
  function goes(leg: LegName): void {
    const killed = kills.get(leg);
    const what = killed === undefined ? `${leg}, with nobody killed` : `the kill -9 of ${nameOf(killed)}`;
    it(`is all there after ${what}, and what the docs say of it`, async () => {
      if (killed === undefined) return goThrough(scene, leg);
      const { outcome, missed, stallMs, failedAnswers, problems } = await goThroughKill(scene, killed);
      console.log(`        ${outcome}, the longest write took ${stallMs} ms`);
      assert.deepEqual({ missed, problems }, { missed: allKept, problems: [] });
      assert.notEqual(outcome, "over before the kill");
      if (killed.victim !== "PostgreSQL") assert.equal(failedAnswers, 0);
    });
  }

  async function columns(name: string): Promise<readonly string[]> {
    const rows = await scene.owner.rows(
      `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('records') AND attname = '${name}'`,
      z.object({ attname: z.string() }),
    );
    return rows.map(({ attname }) => attname);
  }

  /** Some session has come to this statement. */
  async function untilRuns(statement: string): Promise<void> {
    const sql = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%${statement}%' AND wait_event = 'PgSleep'`;
    await eventually(
      () => scene.admin.rows(sql, z.object({ pid: z.int() })),
      (sessions) => sessions.length > 0,
      60,
    );
  }
});
