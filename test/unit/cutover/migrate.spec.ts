import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { takeStepBack } from "../../../cutover/migrateDown";
import { prepareStep } from "../../../cutover/migratePrepare";
import { stepStatus } from "../../../cutover/migrateStatus";
import { fingerprintOf } from "../../../database/fingerprint";
import { createStepRecord } from "../../../database/stepRecord";
import { checkoutDir } from "../../../local/paths";
import { stepId } from "../../../stack/schemaSteps";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { Migrating, type Step, doesNotVerify, image, instance, target } from "./migrating";

const schema = `
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 20) i;
`;
const expand: Step = {
  up: "ALTER TABLE users ADD COLUMN IF NOT EXISTS phone text",
  down: "ALTER TABLE users DROP COLUMN IF EXISTS phone",
};
const contract: Step = {
  up: "ALTER TABLE users DROP COLUMN IF EXISTS name",
  down: "ALTER TABLE users ADD COLUMN IF NOT EXISTS name text",
};
const wanted = image("a");

describe("cutover migrate, on a real PostgreSQL", function () {
  this.timeout(60_000);

  let server: TestPostgresql | undefined;
  let world: Migrating;
  before(async function () {
    server = await startPostgresqlOrSkip(this);
  });
  after(() => server?.stop());
  beforeEach(async () => {
    assert.ok(server);
    world = await Migrating.start(server);
    await world.reset(schema);
    world.step = expand;
  });
  afterEach(() => world.stop());

  /** Nothing is left of a trial, but for what it has said. */
  async function assertNothingLeft(): Promise<void> {
    assert.equal(await world.shadowsLeft(), 0);
    assert.deepEqual([...world.jobs.keys()], []);
    assert.equal(world.openSessions, 0);
  }
  const prepare = (flags = {}) => world.run(prepareStep, world.project(wanted), flags);
  const down = (flags: object = { yes: true }) => world.run(takeStepBack, world.project(), flags);
  const status = async (migration?: string) => (await world.run(stepStatus, world.project(migration))).stdout;
  /** As the update would. */
  const applyOnPrimary = async (): Promise<void> => {
    await prepare();
    await world.primary.run(world.step.up);
    world.calls.length = 0;
  };
  /** With what the Job notes of it. */
  const contractOnPrimary = async (end: string): Promise<void> => {
    world.step = contract;
    await applyOnPrimary();
    const [step = assert.fail()] = world.prepared;
    await world.primary.run(createStepRecord);
    await world.primary.run(
      `INSERT INTO pyairtable.steps (step, begun_at) VALUES ('${stepId(instance, step)}', '2026-01-02 03:04:05.678Z'); UPDATE pyairtable.steps SET ${end}`,
    );
  };
  const columns = async (): Promise<readonly string[]> => {
    const query =
      "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped";
    const rows = await world.primary.rows(query, z.object({ attname: z.string() }));
    return rows.map(({ attname }) => attname).sort();
  };
  /** The command as it is typed. @returns its exit code, and what it says on stderr */
  async function typed(
    migration: string | undefined,
    ...args: readonly string[]
  ): Promise<[number | null, string]> {
    const { stack, configFile } = world.project(migration);
    const line = ["migrate", target, ...args, "--stack", stack, "--config-file", configFile];
    return world.inCluster(async () => {
      const child = spawn(path.join(checkoutDir, "cutover", "bin", "cutover"), line, {
        cwd: checkoutDir,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      await once(child, "close");
      return [child.exitCode, stderr];
    });
  }

  describe("--prepare", () => {
    it("ends with 0, and leaves evidence of what it has seen, and nothing else", async () => {
      const { code, stdout } = await prepare();
      assert.equal(code, 0);
      assert.deepEqual(world.calls, [
        `back up ${instance} for ${target}-step`,
        `shadow of ${instance}'s full-1`,
        ...["up on the shadow", "down on the shadow", "up on the shadow", "dispose"],
      ]);
      const [evidence, ...others] = world.prepared;
      assert.deepEqual(others, []);
      const { before: from, after: to, backup, kind, reversible } = evidence ?? assert.fail();
      assert.equal(from, await fingerprintOf(world.primary));
      assert.notEqual(to, from);
      assert.deepEqual(
        {
          image: evidence?.image,
          backup,
          kind,
          reversible,
          tables: evidence?.tables.map(({ rows }) => rows),
        },
        {
          image: wanted,
          backup: { label: "full-1", finishedAt: "2026-01-02T03:04:05.000Z" },
          kind: "expand",
          reversible: true,
          tables: [20],
        },
      );
      assert.match(
        stdout,
        /^auth-service: expand step, .*\n\nThe next update may run it on the primary\.\n$/s,
      );
      assert.deepEqual(await columns(), ["id", "name"]);
      await assertNothingLeft();
    });

    it("says all of it as one JSON object with --json", async () => {
      const { stdout } = await prepare({ json: true });
      const said = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
      const { steps, evidence, ...rest } = said;
      assert.deepEqual(rest, { target, refused: [], gone: [], irreversible: null });
      assert.deepEqual(evidence, world.prepared[0]);
      assert.deepEqual(
        z
          .array(z.object({ step: z.string() }))
          .parse(steps)
          .map(({ step }) => step.replace(/at shadow_.*/, "at …")),
        [
          "backup full-1 finished, and can be read back",
          "shadow of that backup answers at …",
          "shadow deleted",
          "evidence written: expand, reversible",
        ],
      );
    });

    it("with --dry-run says what it would do, and asks for nothing to be done", async () => {
      const { code, stdout } = await prepare({ dryRun: true });
      assert.equal(code, 0);
      assert.equal(
        stdout,
        `Would back up ${instance}, and try ${wanted} on a shadow of that backup. Nothing was changed.\n`,
      );
      assert.deepEqual([...world.calls, ...world.changes], []);
    });

    it("of a contract step says that there is no way back but a restore", async () => {
      world.step = contract;
      const { code, stdout } = await prepare();
      assert.equal(code, 0);
      const [evidence] = world.prepared;
      assert.deepEqual([evidence?.kind, evidence?.reversible], ["contract", false]);
      assert.match(stdout, /There is no way back by its down: its down leaves another schema than there was/);
      assert.match(stdout, /A contract step: it needs legacy: retired and sign-offs, .* a restore/);
    });

    it("of a step that is applied already leaves no evidence by which that could be taken back", async () => {
      await applyOnPrimary();
      assert.equal((await prepare()).code, 0);
      assert.deepEqual(world.prepared.map(({ before: from, after: to }) => from === to).sort(), [
        false,
        true,
      ]);
      await down();
      assert.deepEqual(await columns(), ["id", "name"]);
    });

    it("of a step that changes what was there is refused, and leaves no evidence", async () => {
      world.step = { ...expand, up: "UPDATE users SET name = 'x' WHERE id = 7" };
      await assert.rejects(prepare(), {
        name: "DatabaseError",
        message:
          "the step changes what was there before:\n  public.users: found other content (name) in its 20 rows, expected the same",
      });
      assert.deepEqual(world.prepared, []);
      await assertNothingLeft();
    });

    it("of a step that fails says its own last words, and leaves no evidence", async () => {
      world.step = { ...expand, up: "SELECT 1 / 0" };
      await assert.rejects(prepare(), {
        name: "DatabaseError",
        message:
          /^auth-service-trial-[0-9a-f]{8}: Job has ended\n {2}step ended with 1:\n.*division by zero/s,
      });
      assert.deepEqual(world.prepared, []);
      await assertNothingLeft();
    });

    it("of a backup that doesn't verify tries nothing", async () => {
      world.onHost = doesNotVerify;
      await assert.rejects(prepare(), {
        name: "DatabaseError",
        message: /^the backup full-1 can't be read back/,
      });
      assert.deepEqual(world.calls, [`back up ${instance} for ${target}-step`]);
      assert.deepEqual(world.changes, []);
    });

    for (const moment of ["back up", "shadow", "up", "down"]) {
      it(`leaves no shadow, no Job and no evidence when Ctrl-C comes at "${moment}"`, async () => {
        const controller = new AbortController();
        const end = (what: string): boolean => {
          if (what === moment) controller.abort(new Error("interrupted by SIGINT"));
          return what !== moment;
        };
        world.onHost = end;
        world.onJob = end;
        await assert.rejects(prepare({ signal: controller.signal }), (error) => {
          assert.ok(error instanceof Error && controller.signal.aborted, String(error));
          assert.ok(
            error === controller.signal.reason || error.cause === controller.signal.reason,
            String(error),
          );
          return true;
        });
        assert.deepEqual(world.prepared, []);
        await assertNothingLeft();
      });
    }

    it("deletes the shadows, sessions and trial Jobs that a killed command left, and nobody else's", async () => {
      const { pid: killed } = spawnSync("true");
      const now = new Date();
      const byKilled = `${os.hostname()} ${killed} ${now.toISOString()}`;
      const byLiving = `${os.hostname()} ${process.pid} ${now.toISOString()}`;
      const others = new Map([
        [`${target}-step-abcdef-1`, undefined],
        [`${target}-trial-2`, byLiving],
        ["automation-trial-1", byKilled],
      ]);
      for (const [name, mark] of [[`${target}-trial-1`, byKilled] as const, ...others]) {
        world.jobs.set(name, { state: "running", log: "", ...(mark && { mark }) });
      }
      world.leftShadows.push(`${instance}-shadow-abc`);
      world.pods.set(`${target}-sql-left`, byKilled);
      world.pods.set(`${target}-sql-old`, "elsewhere 1 2025-08-11T09:00:00.000Z");
      const used = new Map([
        [`${target}-sql-here`, byLiving],
        [`${target}-sql-there`, `elsewhere 1 ${now.toISOString()}`],
        [`${instance}-0`, undefined],
      ]);
      for (const [name, mark] of used) world.pods.set(name, mark);
      const { stdout } = await prepare({ json: true });
      assert.deepEqual([...world.jobs.keys()], [...others.keys()]);
      assert.deepEqual(world.pods, used);
      for (const name of ["trial-1", "postgresql-shadow-abc", "sql-left", "sql-old"]) {
        assert.ok(stdout.includes(`deleted ${target}-${name}, which an earlier command left`), name);
      }
    });

    it("ends with 2 where the file asks for no step", async () => {
      const [code, said] = await typed(undefined, "--prepare");
      assert.equal(code, 2);
      assert.match(
        said,
        /found no pyairtable:auth-service\.database\.migration in .*, expected the step's image/,
      );
    });
  });

  it("ends with 2 without exactly one of its three", async () => {
    for (const args of [[], ["--prepare", "--down"], ["--status", "--down"]]) {
      assert.deepEqual(await typed(wanted, ...args), [2, "expected one of --prepare, --down and --status\n"]);
    }
  });

  describe("--status", () => {
    it("says which step is needed, prepared and applied, and writes nothing", async () => {
      assert.match(await status(), /Its releases need no step\.\n$/);
      assert.match(
        await status(wanted),
        /Its releases need registry.*\nIt isn't prepared for this schema: cutover migrate auth-service --prepare\n$/,
      );
      await prepare();
      const before = world.changes.length;
      assert.match(await status(wanted), /expand, reversible, may be applied: registry.*\n$/);
      await world.primary.run(expand.up);
      world.jobs.set(`${target}-step-abcdef-1`, { state: "succeeded", log: "" });
      assert.match(
        await status(wanted),
        /, applied: registry.*\n {2}auth-service-step-abcdef-1: succeeded\n$/,
      );
      await world.primary.run("ALTER TABLE users ADD COLUMN other text");
      assert.match(await status(wanted), /void: the schema is another.*It isn't prepared for this schema/s);
      assert.equal(world.changes.length, before);
      assert.equal(world.openSessions, 0);
    });

    it("says of a contract step that the way back is a restore, and to which moment", async () => {
      await contractOnPrimary("finished_at = NULL");
      const text =
        "neither legacy nor a release from before it can live with this schema. The way back is a restore, which lists what was written since: cutover restore auth-service --to 2026-01-02T03:04:05Z\n";
      const begun = `the contract step ${wanted}, begun 2026-01-02T03:04:05.678Z: ${text}`;
      assert.ok((await status(wanted)).endsWith(`Half-way in ${begun}`));
      await world.primary.run("UPDATE pyairtable.steps SET finished_at = now()");
      assert.ok((await status(wanted)).endsWith(`Past ${begun}`));
      const { stdout } = await world.run(stepStatus, world.project(wanted), { json: true });
      assert.deepEqual(z.object({ contracted: z.unknown() }).parse(JSON.parse(stdout)).contracted, {
        image: wanted,
        begunAt: "2026-01-02T03:04:05.678Z",
        isFinished: true,
        isLast: true,
        wayBack: "cutover restore auth-service --to 2026-01-02T03:04:05Z",
      });
    });

    it("says nothing of a contract step that has failed and changed nothing", async () => {
      await contractOnPrimary("finished_at = NULL");
      await world.primary.run(
        "ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT ''; ALTER TABLE users ALTER name DROP DEFAULT",
      );
      assert.match(await status(wanted), /contract, not reversible, may be applied: registry.*\n$/);
    });

    it("says the same as JSON", async () => {
      await prepare();
      const { stdout, code } = await world.run(stepStatus, world.project(wanted), { json: true });
      assert.equal(code, 0);
      const [{ preparedAt } = assert.fail()] = world.prepared;
      assert.deepEqual(JSON.parse(stdout), {
        target,
        instance,
        live: await fingerprintOf(world.primary),
        wanted,
        steps: [
          {
            ...{ image: wanted, kind: "expand", reversible: true, preparedAt, wanted: true },
            standing: "may be applied",
          },
        ],
        attempts: [],
        contracted: null,
      });
    });
  });

  describe("--down", () => {
    it("takes back what is applied, lists what is lost for its owner alone, and deletes the evidence", async () => {
      await applyOnPrimary();
      await world.primary.run("UPDATE users SET phone = 'p' || id WHERE id <= 2");
      const { code, stdout } = await down({ yes: true, json: true });
      assert.equal(code, 0);
      assert.deepEqual(world.calls, [
        `back up ${instance} for ${target}-down`,
        `shadow of ${instance}'s full-1`,
        ...["down on the shadow", "dispose", "down on the primary"],
      ]);
      assert.deepEqual(await columns(), ["id", "name"]);
      assert.deepEqual(world.prepared, []);
      const { lost, gone, done } = takenBack.parse(JSON.parse(stdout));
      assert.deepEqual(
        { gone, done, rows: lost.rows },
        { gone: ["public.users.phone"], done: true, rows: 2 },
      );
      assert.equal(path.dirname(lost.file), world.dir);
      assert.equal(fs.statSync(lost.file).mode & 0o777, 0o600);
      assert.deepEqual(
        fs
          .readFileSync(lost.file, "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown),
        [
          { table: "public.users", row: { id: 1, phone: "p1" } },
          { table: "public.users", row: { id: 2, phone: "p2" } },
        ],
      );
      await assertNothingLeft();
    });

    /** It was refused, or only told. */
    async function assertUntouched(): Promise<void> {
      assert.deepEqual(await columns(), ["id", "name", "phone"]);
      assert.ok(!world.calls.includes("down on the primary"));
      assert.equal(world.prepared.length, 1);
      await assertNothingLeft();
    }

    it("with --dry-run says what it would do, and asks for nothing to be done", async () => {
      await applyOnPrimary();
      const before = world.changes.length;
      const { code, stdout } = await down({ dryRun: true });
      assert.equal(code, 0);
      assert.equal(
        stdout,
        `Would back up ${instance}, try the down of ${wanted} on a shadow, list what is lost, and run it. Nothing was changed.\n`,
      );
      assert.equal(world.changes.length, before);
      assert.deepEqual(world.calls, []);
      await assertUntouched();
    });

    it("is refused with 3 while the file has the step, or the last update's Job is there", async () => {
      const [inFile, why] = await typed(wanted, "--down", "--yes");
      assert.equal(inFile, 3);
      assert.match(
        why,
        /found registry.* under pyairtable:auth-service\.database\.migration, .*a release needs it/,
      );
      world.jobs.set(`${target}-step-abcdef-1`, { state: "succeeded", log: "" });
      const [inUpdate, reason] = await typed(undefined, "--down", "--yes");
      assert.equal(inUpdate, 3);
      assert.match(
        reason,
        /found the Job auth-service-step-abcdef-1 of the last update, expected none: update first/,
      );
      assert.deepEqual(world.changes, []);
    });

    it("is refused without evidence of what is applied, and the data stays expanded", async () => {
      const found = (await fingerprintOf(world.primary)).slice(0, 12);
      await assert.rejects(down(), {
        name: "Refused",
        message: `${target}: found the schema ${found}, expected one that a prepared step has left (there is none): the data stays expanded, which every release can live with; nothing was changed.`,
      });
    });

    it("is refused for a step that changed nothing when it was prepared, and doesn't call its schema one to take back", async () => {
      await world.primary.run(expand.up);
      await prepare();
      await assert.rejects(down(), {
        name: "Refused",
        message: /has left \(there is none\): the data stays/,
      });
    });

    it("is refused for a contract step, whose way back is a restore", async () => {
      world.step = contract;
      await applyOnPrimary();
      await assert.rejects(down(), {
        name: "Refused",
        message: `${target}: found that the down of ${wanted} was no way back on its shadow, expected one that was: the way back is a restore; nothing was changed.`,
      });
      assert.deepEqual(world.calls, []);
    });

    it("is refused for one whose down was no way back on the shadow", async () => {
      world.step = { ...expand, down: "SELECT 1" };
      await applyOnPrimary();
      await assert.rejects(down(), {
        name: "Refused",
        message: /was no way back on its shadow, .* the data stays expanded/,
      });
      await assertUntouched();
    });

    it("touches no primary when the backup doesn't verify, or the down changes what it leaves", async () => {
      await applyOnPrimary();
      world.onHost = doesNotVerify;
      await assert.rejects(down(), { name: "DatabaseError", message: /can't be read back/ });
      await assertUntouched();
      world.onHost = () => undefined;
      world.step = { ...expand, down: `${expand.down}; DELETE FROM users WHERE id = 7` };
      await assert.rejects(down(), {
        name: "DatabaseError",
        message: /^the step's down changes what it leaves:\n {2}public.users: found 19 rows/,
      });
      await assertUntouched();
    });

    it("leaves no shadow when Ctrl-C comes, and no primary that was touched", async () => {
      await applyOnPrimary();
      const controller = new AbortController();
      world.onJob = () => {
        controller.abort(new Error("interrupted by SIGINT"));
        return false;
      };
      await assert.rejects(down({ yes: true, signal: controller.signal }));
      await assertUntouched();
    });

    it("is refused past a contract step, which the file must go on naming, and says what to type", async () => {
      await contractOnPrimary("finished_at = '2026-01-02 03:05:00Z'");
      for (const project of [world.project(), world.project(wanted)]) {
        await assert.rejects(world.run(takeStepBack, project, { yes: true }), {
          name: "Refused",
          message: `auth-service: found ${instance} past the contract step ${wanted}, expected a step that its down takes back: the way back is a restore, cutover restore auth-service --to 2026-01-02T03:04:05Z; nothing was changed.`,
        });
      }
      assert.equal(world.openSessions, 0);
      assert.equal(world.prepared.length, 1);
    });

    it("takes back an expand step that came after a contract step", async () => {
      await contractOnPrimary("finished_at = now()");
      world.step = expand;
      await world.run(prepareStep, world.project(image("b")));
      await world.primary.run(expand.up);
      assert.equal((await down()).code, 0);
      assert.deepEqual(await columns(), ["id"]);
    });

    it("goes on with one whose command was killed while the primary's Job went on, and takes back no step before it", async () => {
      await applyOnPrimary();
      const [first = assert.fail()] = world.prepared;
      world.step = { up: "CREATE TABLE IF NOT EXISTS teams (id int)", down: "DROP TABLE IF EXISTS teams" };
      await world.run(prepareStep, world.project(image("b")));
      await world.primary.run(world.step.up);
      const controller = new AbortController();
      world.onJob = (_, where) => {
        if (where === "primary") controller.abort(new Error("killed"));
        return true;
      };
      await assert.rejects(down({ yes: true, signal: controller.signal }));
      const teams = "SELECT to_regclass('teams') IS NOT NULL AS there";
      const areThere = async () =>
        (await world.primary.rows(teams, z.object({ there: z.boolean() })))[0]?.there;
      while ((await areThere()) === true) await sleep(10);
      world.onJob = () => true;
      assert.equal((await down()).code, 0);
      assert.deepEqual(await columns(), ["id", "name", "phone"]);
      assert.deepEqual(world.prepared, [first]);
    });

    it("goes on with one that was stopped half-way on the primary", async () => {
      world.step = {
        up: `${expand.up}; CREATE TABLE IF NOT EXISTS teams (id int)`,
        down: `DROP TABLE IF EXISTS teams; ${expand.down}`,
      };
      await applyOnPrimary();
      const [step = assert.fail()] = world.prepared;
      // As the Job's check notes it, before the step's own half.
      await world.primary.run(createStepRecord);
      await world.primary.run(`INSERT INTO pyairtable.steps (step) VALUES ('${stepId(instance, step)}')`);
      await world.primary.run("DROP TABLE teams");
      assert.equal((await down()).code, 0);
      assert.deepEqual(await columns(), ["id", "name"]);
      assert.deepEqual(world.prepared, []);
    });
  });
});

const takenBack = z.object({
  done: z.boolean(),
  gone: z.array(z.string()),
  lost: z.object({ file: z.string(), rows: z.int() }),
});
