import assert from "node:assert/strict";
import { exitCodes } from "../../cutover/exitCodes";
import { openClusterSession } from "../../database/clusterSession";
import { roleName } from "../../database/roles";
import type { SqlSession } from "../../database/session";
import { tryToWrite } from "../../database/writes";
import { postgresqlImage } from "../../local/platform/databaseImages";
import type { Backend } from "../../migration";
import { SERIES } from "../../monitoring/indicators";
import { namespace } from "../faults/agreement";
import { happen } from "../incidents/happen";
import { atBlue, rolledBackFor } from "../incidents/incident";
import { Scene } from "../incidents/scene";
import { sendAlerts, startGuard } from "../support/guard";
import { cutover } from "./cutoverCommand";
import { eventually, firing, valueOf } from "./prometheus";

/** The exporter takes a second to find a connection impossible: a scrape may not be shorter. */
const scale = 0.3;
const target = "auth-service";

describe("a guard of data", function () {
  this.timeout(240_000);
  let scene: Scene;
  let admin: SqlSession;
  const sessions: SqlSession[] = [];

  before(async () => {
    scene = await Scene.create("database-guard", scale);
    admin = await sessionOf("admin");
    await (await sessionOf("owner")).run("CREATE TABLE IF NOT EXISTS of_this_test (n int)");
    for (const backend of ["legacy", "blue"] as const) await connects(backend, 1);
  });

  after(async () => {
    await (await sessionOf("owner")).run("DROP TABLE of_this_test");
    await Promise.all(sessions.map((session) => session.close()));
    await scene.close();
  });

  async function sessionOf(role: "admin" | "owner" | Backend): Promise<SqlSession> {
    const session = await openClusterSession(scene.api, { namespace, image: postgresqlImage, target, role });
    sessions.push(session);
    return session;
  }

  const connects = (backend: Backend, value: number): Promise<unknown> =>
    eventually(
      () => valueOf(`${SERIES.database}{target="${target}", backend="${backend}"}`),
      (found) => found === value,
      60,
    );

  async function allow(what: "LOGIN" | "NOLOGIN", ...backends: readonly Backend[]): Promise<void> {
    for (const backend of backends) await admin.run(`ALTER ROLE ${roleName(target, backend)} ${what}`);
    for (const backend of backends) await connects(backend, what === "LOGIN" ? 1 : 0);
  }

  it("rolls back a release that gets no connection for a minute, and nothing where no backend gets one", async () => {
    const { hasBegun, held, problems, backAfter, wrong, lostAfter } = await happen(scene, {
      ...{ targets: [target], at: atBlue(100), ratePerSecond: 50 },
      message: rolledBackFor(target, "DatabaseConnectionsFailing", "blue"),
      below: async () => {
        const before = await scene.refusals(target);
        await allow("NOLOGIN", "legacy", "blue");
        const alert = `DatabaseConnectionFailed ${target}/legacy`;
        await eventually(firing, (alerts) => alerts.includes(alert), 10);
        await eventually(
          () => scene.refusals(target),
          (found) => found > before,
          60,
        );
        await allow("LOGIN", "legacy", "blue");
      },
      begins: () => allow("NOLOGIN", "blue"),
      ends: () => allow("LOGIN", "legacy", "blue"),
    });
    assert.deepEqual(
      { hasBegun, held, problems, wrong, lostAfter },
      { hasBegun: true, held: true, problems: [], wrong: 0, lostAfter: 0 },
    );
    console.log(`      traffic was back after ${backAfter?.toFixed(1) ?? "?"} s`);
    assert.notEqual(backAfter, undefined, "missed");
  });

  it("makes a target read-only when its data is in danger; a human ends that", async () => {
    await scene.killGuard("SIGTERM");
    // The real alert would want a page of a table broken: this one is believed, as nobody can be asked.
    const { stack } = scene;
    const guard = await startGuard(stack, { port: 9120, scale });
    await guard.ready();
    const blue = await sessionOf("blue");
    assert.equal(await tryToWrite(blue), "accepted");
    const head = await scene.commits();
    const alert = { target, name: "DatabaseCorrupt", action: "read-only" } as const;
    const startedAt = Date.now();
    for (let time = 0; time < 3; time++) {
      const { status } = await sendAlerts(guard, [alert]);
      assert.equal(status, 200);
    }
    await eventually(
      () => tryToWrite(blue),
      (found) => found === "refused",
      60,
    );
    console.log(`      refused ${((Date.now() - startedAt) / 1000).toFixed(1)} s after the alert`);
    await eventually(
      () => Promise.resolve(guard.log.some(({ message }) => message === "read-only")),
      (found) => found,
      60,
    );
    assert.equal(
      await stack.git("log", "-1", "--format=%s"),
      `${target}: read-only (DatabaseCorrupt of ${target})\n`,
    );
    const { stdout } = await cutover(stack, ["status"]);
    assert.match(stdout, new RegExp(`READ-ONLY: ${target}, .*cutover read-only ${target} --off`));

    const off = await cutover(stack, ["read-only", target, "--off", "--yes", "--json"]);
    assert.equal(off.code, exitCodes.done, off.stderr);
    assert.ok(Date.now() - off.startedAt < 60_000);
    assert.equal(await tryToWrite(blue), "accepted");
    // The alert goes on, and nobody is contradicted.
    await sendAlerts(guard, [alert]);
    assert.equal(await scene.commits(), head + 2);
    const again = await cutover(stack, ["read-only", target, "--off", "--yes"]);
    assert.match(again.stdout, /is read-write already: a write is accepted/);
    assert.equal(await scene.commits(), head + 2);
    await guard.stop();
  });
});
