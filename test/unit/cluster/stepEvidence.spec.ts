import assert from "node:assert/strict";
import { deleteStepEvidence, readStepEvidence, writeStepEvidence } from "../../../cluster/stepEvidence";
import type { StepEvidence } from "../../../database/evidence";
import { type World, startWorld } from "../support/world";

const evidence: StepEvidence = {
  image: "registry/migrations@sha256:1",
  before: "b",
  after: "a",
  kind: "expand",
  reversible: true,
  backup: { label: "20250811-080000F", finishedAt: "2025-08-11T08:00:00.000Z" },
  preparedAt: "2025-08-11T09:00:00.000Z",
  seconds: 1.5,
  statements: [{ statement: "SELECT 1", calls: 1, seconds: 0.1, rows: 1 }],
  locks: [{ relation: "public.users", mode: "AccessExclusiveLock" }],
  tables: [{ table: "public.users", rows: 3, checksum: "7" }],
};

describe("the evidence of steps in the cluster", () => {
  let world: World | undefined;
  afterEach(() => world?.close());

  /** An API server that keeps ConfigMaps. */
  async function start(kept = new Map<string, unknown>()): Promise<World> {
    world = await startWorld(({ method, path, body }) => {
      const { pathname } = new URL(path, "http://cluster.invalid");
      if (!pathname.includes("/configmaps")) return undefined;
      if (method === "PATCH") kept.set(pathname, JSON.parse(body));
      if (method === "DELETE") return kept.delete(pathname) ? { body: {} } : { status: 404 };
      return { body: method === "GET" ? { items: [...kept.values()] } : {} };
    });
    return world;
  }

  it("is read back as it was written, newest first, and of each target its own", async () => {
    const { api } = await start();
    const later = { ...evidence, before: "b2", preparedAt: "2025-08-12T09:00:00.000Z" };
    await writeStepEvidence(api, "apps", "auth-service", evidence);
    await writeStepEvidence(api, "apps", "auth-service", later);
    await writeStepEvidence(api, "apps", "automation", evidence);
    assert.deepEqual(
      await readStepEvidence(api, "apps"),
      new Map([
        ["auth-service", [later, evidence]],
        ["automation", [evidence]],
      ]),
    );
  });

  it("of the same step for the same schema replaces what was there", async () => {
    const { api } = await start();
    await writeStepEvidence(api, "apps", "auth-service", evidence);
    await writeStepEvidence(api, "apps", "auth-service", { ...evidence, reversible: false });
    assert.deepEqual((await readStepEvidence(api, "apps")).get("auth-service"), [
      { ...evidence, reversible: false },
    ]);
  });

  it("goes when the step is taken back; none there is as good", async () => {
    const { api } = await start();
    await writeStepEvidence(api, "apps", "auth-service", evidence);
    await deleteStepEvidence(api, "apps", "auth-service", evidence);
    await deleteStepEvidence(api, "apps", "auth-service", evidence);
    assert.deepEqual(await readStepEvidence(api, "apps"), new Map());
  });

  it("that can't be read is an error that names it", async () => {
    const labels = { "pyairtable.dev/step-evidence": "auth-service" };
    const { api } = await start(
      new Map([
        ["x", { metadata: { name: "auth-service-step-1", labels }, data: { "evidence.json": "{}" } }],
      ]),
    );
    await assert.rejects(
      readStepEvidence(api, "apps"),
      /found a ConfigMap auth-service-step-1 that is no evidence of a step, expected what cutover migrate --prepare writes/,
    );
  });
});
