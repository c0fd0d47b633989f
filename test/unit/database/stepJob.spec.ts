import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { fingerprintOf } from "../../../database/fingerprint";
import { databaseName } from "../../../database/roles";
import type { SqlSession } from "../../../database/session";
import { type StepJobArgs, stepJob } from "../../../database/stepJob";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

const wanted: StepJobArgs = {
  name: "auth-service-step-1",
  namespace: "pyairtable",
  target: "auth-service",
  image: "registry/migrations@sha256:1",
  action: "up",
  client: "registry/postgresql@sha256:2",
  deadlineSeconds: 600,
};
const expected = { step: "s1", before: "b".repeat(64), after: "a".repeat(64) };

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  restartPolicy: z.string().optional(),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
});
const specSchema = z.object({
  template: z.object({
    spec: z.looseObject({
      initContainers: z.array(containerSchema),
      containers: z.array(containerSchema),
    }),
  }),
});
type Container = z.infer<typeof containerSchema>;

function containersOf(args: StepJobArgs): readonly Container[] {
  const { initContainers, containers } = specSchema.parse(stepJob(args).spec).template.spec;
  return [...initContainers, ...containers];
}

describe("a step's Job", () => {
  it("runs once, ends in time, and is no backend's", () => {
    const { apiVersion, kind, metadata, spec } = stepJob({ ...wanted, expected });
    assert.deepEqual(
      { apiVersion, kind, metadata },
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: {
          name: "auth-service-step-1",
          namespace: "pyairtable",
          labels: {
            "app.kubernetes.io/name": "auth-service",
            "app.kubernetes.io/part-of": "pyairtable",
            "pyairtable.dev/role": "schema-step",
          },
        },
      },
    );
    const { template, ...rest } = z
      .looseObject({ template: z.looseObject({ spec: z.looseObject({}) }) })
      .parse(spec);
    assert.deepEqual(rest, { backoffLimit: 0, activeDeadlineSeconds: 600 });
    const { containers, initContainers, ...pod } = template.spec;
    assert.ok(containers && initContainers);
    assert.deepEqual(pod, {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 5,
      volumes: [{ name: "run", emptyDir: {} }],
    });
  });

  it("is lock, check, step and verification, in this order, the lock beside the others", () => {
    const found = containersOf({ ...wanted, expected });
    assert.deepEqual(
      found.map(({ name, image, restartPolicy, args, envFrom }) => ({
        name,
        image,
        restartPolicy,
        args,
        as: envFrom[0]?.secretRef.name,
      })),
      [
        ["lock", wanted.client, "Always", undefined, "auth-service-database-admin"],
        ["check", wanted.client, undefined, undefined, "auth-service-database-admin"],
        ["step", wanted.image, undefined, ["up"], "auth-service-database-owner"],
        ["verify", wanted.client, undefined, undefined, "auth-service-database-admin"],
      ].map(([name, image, restartPolicy, args, as]) => ({ name, image, restartPolicy, args, as })),
    );
  });

  it("is lock and step alone on a shadow, whose address counts", () => {
    const found = containersOf({ ...wanted, address: { host: "198.51.100.7", port: 5433 } });
    assert.deepEqual(
      found.map(({ name }) => name),
      ["lock", "step"],
    );
    for (const { env } of found) {
      assert.deepEqual(
        env.filter(({ name }) => name === "PGHOST" || name === "PGPORT"),
        [
          { name: "PGHOST", value: "198.51.100.7" },
          { name: "PGPORT", value: "5433" },
        ],
      );
    }
  });

  it("names no address where the credentials' own counts", () => {
    const names = containersOf({ ...wanted, expected }).flatMap(({ env }) => env.map(({ name }) => name));
    assert.ok(!names.includes("PGHOST"));
  });

  describe("on a real PostgreSQL", function () {
    this.timeout(60_000);
    let server: TestPostgresql | undefined;
    let session: SqlSession;
    let before_: string;
    let after_: string;
    const folders: string[] = [];
    const running: ChildProcess[] = [];

    before(async function () {
      server = await startPostgresqlOrSkip(this);
      const { host, port, superuser: user } = server;
      const database = databaseName(wanted.target);
      await openPsqlSession({ host, port, user }).run(`CREATE DATABASE ${database}`);
      session = openPsqlSession({ host, port, user, database });
      await session.run("CREATE TABLE users (id int)");
      before_ = await fingerprintOf(session);
      await session.run("ALTER TABLE users ADD COLUMN phone text");
      after_ = await fingerprintOf(session);
    });
    beforeEach(() =>
      session.run("DROP TABLE users; CREATE TABLE users (id int); DROP SCHEMA IF EXISTS pyairtable CASCADE"),
    );
    afterEach(() => {
      for (const each of running.splice(0)) each.kill("SIGTERM");
      for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true });
    });
    after(() => server?.stop());

    function newFolder(): string {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "step-"));
      folders.push(folder);
      return folder;
    }

    /** Its own script, with this machine's psql and a folder of the test's for what the containers share. */
    function start(name: string, args: StepJobArgs, shared: string): ChildProcess {
      const found = containersOf(args).find((each) => each.name === name);
      const script = (found?.command?.[2] ?? "")
        .replaceAll("/usr/lib/postgresql/15/bin", process.env["POSTGRESQL_BIN"] ?? "")
        .replaceAll("/run/step", shared);
      const env = Object.fromEntries(
        (found?.env ?? []).map((each) => [
          each.name,
          each.value.replaceAll("/run/step", shared).replace("'60s'", "'300ms'"),
        ]),
      );
      const child = spawn("setpriv", ["--pdeathsig=TERM", "sh", "-c", script], {
        env: {
          PATH: process.env["PATH"],
          PGHOST: server?.host,
          PGPORT: String(server?.port),
          PGUSER: server?.superuser,
          ...env,
        },
      });
      running.push(child);
      return child;
    }

    async function run(
      name: string,
      args: StepJobArgs,
      shared = newFolder(),
    ): Promise<{ readonly code: number | null; readonly errors: string }> {
      const child = start(name, args, shared);
      let errors = "";
      child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
      await once(child, "close");
      return { code: child.exitCode, errors };
    }

    const up = (): StepJobArgs => ({ ...wanted, expected: { step: "s1", before: before_, after: after_ } });
    const passed = { code: 0, errors: "" };
    const step = (): Promise<void> => session.run("ALTER TABLE users ADD COLUMN phone text");
    const record = () =>
      session.rows(
        "SELECT step, finished_at IS NOT NULL AS finished FROM pyairtable.steps ORDER BY step",
        z.object({ step: z.string(), finished: z.boolean() }),
      );

    const begunAt = () =>
      session.rows("SELECT begun_at::text AS begun FROM pyairtable.steps", z.object({ begun: z.string() }));

    it("begins where the schema is as it was prepared for, and notes when it has ended there", async () => {
      assert.deepEqual(await run("check", up()), passed);
      assert.deepEqual(await record(), [{ step: "s1", finished: false }]);
      await step();
      assert.deepEqual(await run("verify", up()), passed);
      assert.deepEqual(await record(), [{ step: "s1", finished: true }]);
    });

    it("has nothing against running again where it has run", async () => {
      await step();
      assert.deepEqual(await run("check", up()), passed);
      assert.deepEqual(await run("verify", up()), passed);
    });

    it("is refused where the schema is another, with both", async () => {
      await session.run("ALTER TABLE users ADD COLUMN hotfix text");
      const live = await fingerprintOf(session);
      const { code, errors } = await run("check", up());
      assert.notEqual(code, 0);
      assert.equal(
        errors.trim(),
        `ERROR:  found the schema ${live.slice(0, 12)}, expected ${before_.slice(0, 12)}, for which the step was prepared: somebody has changed the schema since; prepare it again`,
      );
      assert.deepEqual(await record(), []);
    });

    it("goes on where an attempt of it was broken off half-way", async () => {
      assert.deepEqual(await run("check", up()), passed);
      await session.run("CREATE INDEX half ON users (id)");
      assert.deepEqual(await run("check", up()), passed);
    });

    it("was begun when it had changed nothing yet, however often it goes on or is looked for since", async () => {
      const [{ begun: first } = assert.fail()] = await (await run("check", up()), begunAt());
      const [{ begun: again } = assert.fail()] = await (await run("check", up()), begunAt());
      assert.ok(again > first);
      await step();
      await run("check", up());
      await run("verify", up());
      await run("check", up());
      assert.deepEqual(await begunAt(), [{ begun: again }]);
    });

    it("that leads from its end to its end is only looked for, and refused where it isn't", async () => {
      const there = { ...up(), expected: { step: "s2", before: after_, after: after_ } };
      const { code, errors } = await run("check", there);
      assert.notEqual(code, 0);
      assert.equal(
        errors.trim(),
        `ERROR:  found the schema ${before_.slice(0, 12)}, expected ${after_.slice(0, 12)}, as the step had left it: this instance was restored to another moment; take migration and contract out of the file`,
      );
      await step();
      assert.deepEqual(await run("check", there), passed);
    });

    it("doesn't go on where another step was begun since", async () => {
      await run("check", up());
      await run("check", { ...up(), expected: { step: "s2", before: before_, after: after_ } });
      await session.run("CREATE INDEX half ON users (id)");
      assert.notEqual((await run("check", up())).code, 0);
    });

    it("fails where it has left another schema than on the shadow", async () => {
      await run("check", up());
      const { code, errors } = await run("verify", up());
      assert.notEqual(code, 0);
      assert.match(
        errors,
        /ERROR: {2}found the schema \w{12} after the step, expected \w{12}, as it was on the shadow/,
      );
      assert.deepEqual(await record(), [{ step: "s1", finished: false }]);
    });

    it("goes down from where it has led, and is forgotten then", async () => {
      await run("check", up());
      await step();
      await run("verify", up());
      const down: StepJobArgs = { ...up(), action: "down" };
      assert.deepEqual(await run("check", down), passed);
      await session.run("ALTER TABLE users DROP COLUMN phone");
      assert.deepEqual(await run("verify", down), passed);
      assert.deepEqual(await record(), []);
    });

    it("has the lock until it is told to end, without a transaction that others would wait for", async () => {
      const shared = newFolder();
      const lock = start("lock", up(), shared);
      await exists(path.join(shared, "held"));
      const [held] = await session.rows(
        "SELECT count(*) AS locks, count(a.backend_xmin) AS snapshots FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted",
        z.object({ locks: z.int(), snapshots: z.int() }),
      );
      assert.deepEqual(held, { locks: 1, snapshots: 0 });
      assert.deepEqual(await run("check", up(), shared), passed);
      lock.kill("SIGTERM");
      await once(lock, "close");
      assert.equal(lock.exitCode, 0);
    });

    it("gives up, and says why, while another step has the lock", async () => {
      const [first, second] = [newFolder(), newFolder()];
      start("lock", up(), first);
      await exists(path.join(first, "held"));
      start("lock", up(), second);
      await exists(path.join(second, "refused"));
      const { code, errors } = await run("check", up(), second);
      assert.equal(code, 1);
      assert.match(
        errors,
        /^another step has the lock, and still had it after 60 s:\n.*canceling statement due to lock timeout/,
      );
      assert.ok(!fs.existsSync(path.join(second, "held")));
    });

    it("ends when its server is gone, so that it can have the lock again", async () => {
      const shared = newFolder();
      const lock = start("lock", up(), shared);
      await exists(path.join(shared, "held"));
      await session.run(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
      );
      await once(lock, "close");
      assert.equal(lock.exitCode, 1);
    });
  });
});

async function exists(file: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (fs.existsSync(file)) return;
    await sleep(25);
  }
  throw new Error(`found no ${file}`);
}
