import assert from "node:assert/strict";
import fs from "node:fs";
import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { type Value, editStackFile, removeFromStackFile } from "../../config/edit";
import { exitCodes } from "../../cutover/exitCodes";
import type { SqlSession } from "../../database/session";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { longestStallMs, stepImage, target, writing } from "../data/scene";
import { Writers } from "../faults/writers";
import { withSession } from "../data/clusterDatabase";
import { type CutoverResult, cutover } from "./cutoverCommand";
import { eventually } from "./prometheus";
import { commitSplit, refused, split, stackOnLegacy, succeeded } from "./world";

const signed = (
  role: "product-manager" | "technical-lead",
  change: Readonly<Record<string, string>> = {},
) => ({
  by: "Grace",
  role,
  at: "2025-08-11T09:00:00Z",
  until: "2125-01-01T00:00:00Z",
  for: "PYA-7",
  ...change,
});
const both = [signed("product-manager"), signed("technical-lead")];

describe("a contract step, and the way back from it", function () {
  this.timeout(300_000);
  let stack: LocalStack;
  let api: KubeApi;
  const writers = new Writers(writing);
  /** What `migrate --status` says to type. */
  let wayBack: readonly string[];
  /** The database in use is past no contract step any more. */
  let isBack = false;

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect({});
    stack = await stackOnLegacy("contract");
    await as("owner", (owner) => owner.run("DROP TABLE IF EXISTS records, goose_db_version"));
    await setDatabase("migration", stepImage("1"));
    await prepared();
    await commitSplit(stack, target, split("blue 100"));
    succeeded(await stack.up());
    writers.start();
  });

  after(async () => {
    await writers.stop().finally(() => writers.close());
    if (!isBack) {
      // An instance of its own is past no contract step.
      await stack.commit("another database", (text) =>
        editStackFile(
          removeFromStackFile(removeFromStackFile(text, databaseKey("contract")), databaseKey("migration")),
          databaseKey("instance"),
          `${target}-postgresql-afterwards`,
        ),
      );
      succeeded(await stack.up());
    }
    await stackOnLegacy("contract");
    const forget = "DROP TABLE IF EXISTS records, goose_db_version; DROP SCHEMA IF EXISTS pyairtable CASCADE";
    await as("admin", (admin) => admin.run(forget));
  });

  it("says why it is one, and is refused while legacy is the way back, and nobody has signed", async () => {
    await setDatabase("migration", stepImage("contract"));
    const said = await prepared();
    assert.match(said, /^auth-service: contract step, /m);
    assert.match(
      said,
      /not expand: ALTER TABLE public\.records: DROP COLUMN comment\n {2}ALTER TABLE records DROP COLUMN comment\n {2}\S/,
    );
    assert.match(said, /needs legacy: retired and sign-offs, and the way back from it is a restore/);
    const { output } = refused(await stack.up(), /a contract step with legacy: standby/);
    assert.match(output, /auth-service\.database\.contract \(schema-step\)\s+found: .*signed off by nobody/);
    await stack.revert(1);
    await stack.commit(`${target}: extracted`, (text) =>
      editStackFile(text, ["config", `pyairtable:${target}`, "legacy"], "retired"),
    );
    succeeded(await stack.up());
  });

  it("is refused without both signatures, for its own ticket, at this time", async () => {
    await setDatabase("migration", stepImage("contract"));
    const unsigned: readonly (readonly [Value, RegExp])[] = [
      [[signed("product-manager")], /\(PYA-7\), signed off by product-manager at this time/],
      [
        [
          signed("product-manager", { for: "PYA-8" }),
          signed("technical-lead", { until: "2025-08-12T09:00:00Z" }),
        ],
        /\(PYA-7\), signed off by nobody at this time/,
      ],
    ];
    for (const [signOffs, found] of unsigned) {
      await setDatabase("contract", { ticket: "PYA-7", signOffs });
      refused(await stack.up(), found);
    }
    assert.ok((await columns()).includes("comment"));
  });

  it("runs under writers, of whom none loses a write or waits for long", async () => {
    const began = Date.now();
    await setDatabase("contract", { ticket: "PYA-7", signOffs: both });
    assert.match(
      succeeded(await stack.up()).output,
      /the contract step .* runs before a candidate gets pods/,
    );
    assert.ok(!(await columns()).includes("comment"));
    succeeded(await stack.preview());
    await writers.stop();
    const { acknowledged, failedAnswers, stallMs } = writers.since(began);
    console.log(`      ${acknowledged} writes acknowledged, the longest took ${stallMs} ms`);
    assert.ok(acknowledged > 100, `${acknowledged} writes`);
    assert.equal(failedAnswers, 0);
    assert.ok(stallMs < longestStallMs, `${stallMs} ms`);
    writers.assertKept(await numbers());
  });

  it("has no way back but a restore, by any road, and each says so", async () => {
    const past = /past a contract step/;
    const status = await migrate("--status");
    assert.match(
      status.stdout,
      /Past the contract step .*:contract, begun .*cutover restore auth-service --to /,
    );
    wayBack = /cutover (restore .*)\n/.exec(status.stdout)?.[1]?.split(" ") ?? [];
    const down = await migrate("--down", "--yes");
    assert.equal(down.code, exitCodes.refused);
    assert.match(down.stderr, /the way back is a restore, cutover restore auth-service --to /);
    assert.match((await cutover(stack, ["status"])).stdout, past);

    const rollback = await cutover(stack, ["rollback", target]);
    assert.equal(rollback.code, exitCodes.failed);
    assert.match(rollback.stderr, /no traffic was moved.*past a contract step/);
    const all = await cutover(stack, ["rollback", "--level", "3", "--dry-run"]);
    assert.match(all.stdout + all.stderr, /auth-service: blue 100 STAYS; its schema is past a contract step/);
    // All of it, from before the retirement: the plain road.
    await stack.revert(5);
    refused(await stack.up(), /auth-service\.legacy \(point-of-no-return\)\s+found: +standby/);
    await stack.revert(5);
  });

  it("goes back by that restore, which loses no row unlisted, and doesn't run again by itself", async () => {
    const asked = Date.now();
    const { code, stdout, stderr } = await cutover(stack, [...wayBack, "--yes", "--json"]);
    assert.equal(code, exitCodes.done, stdout + stderr);
    console.log(`      the restore took ${Math.round((Date.now() - asked) / 1000)} s`);
    const said = z.object({ file: z.string(), forgetsStep: z.boolean() }).parse(JSON.parse(stdout));
    isBack = true;
    assert.equal(said.forgetsStep, true);
    assert.doesNotMatch(stack.readStackFile(), /migration: localhost|PYA-7/);
    assert.ok((await columns()).includes("comment"));
    const lines = fs.readFileSync(said.file, "utf8").trim().split("\n");
    const listed = lines.flatMap((line) => {
      const { only, row } = differenceSchema.parse(JSON.parse(line));
      return only === "live" && row?.number !== undefined ? [row.number] : [];
    });
    assert.ok(listed.length > 0);
    writers.assertKept([...(await numbers()), ...listed]);

    // Nothing is left to do: not the step either.
    succeeded(await stack.preview());
    const again = Date.now();
    writers.start();
    await eventually(
      () => Promise.resolve(writers.since(again).acknowledged),
      (count) => count > 50,
      60,
    );
    await writers.stop();
    assert.equal(writers.since(again).failedAnswers, 0);
    writers.assertKept([...(await numbers()), ...listed]);
  });

  function databaseKey(key: string): string[] {
    return ["config", `pyairtable:${target}`, "database", key];
  }

  async function setDatabase(key: string, value: Value): Promise<void> {
    await stack.commit(`${target}: ${key}`, (text) => editStackFile(text, databaseKey(key), value));
  }

  function migrate(...args: readonly string[]): Promise<CutoverResult> {
    return cutover(stack, ["migrate", target, ...args]);
  }

  async function prepared(): Promise<string> {
    const { code, stdout, stderr } = await migrate("--prepare");
    assert.equal(code, exitCodes.done, stderr);
    return stdout;
  }

  /** In whichever instance is in use. */
  function as<T>(role: "owner" | "admin", use: (session: SqlSession) => Promise<T>): Promise<T> {
    return withSession(api, { target, role }, use);
  }

  async function columns(): Promise<readonly string[]> {
    const sql =
      "SELECT attname FROM pg_attribute WHERE attrelid = 'records'::regclass AND attnum > 0 AND NOT attisdropped";
    const rows = await as("owner", (owner) => owner.rows(sql, z.object({ attname: z.string() })));
    return rows.map(({ attname }) => attname);
  }

  async function numbers(): Promise<readonly number[]> {
    const schema = z.object({ number: z.int() });
    const rows = await as("owner", (owner) => owner.rows("SELECT number FROM records", schema));
    return rows.map(({ number }) => number);
  }
});

const differenceSchema = z.object({
  only: z.string().optional(),
  row: z.object({ number: z.int().optional() }).optional(),
});
