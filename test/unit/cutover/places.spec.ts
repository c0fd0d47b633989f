import assert from "node:assert/strict";
import { catalogEntry } from "../../../catalog";
import { httpRoute } from "../../../cluster/httpRoute";
import { addressOf } from "../../../cluster/names";
import { parseStackConfig } from "../../../config/parse";
import { findPlaces, placeText, stayedText } from "../../../cutover/places";
import { type RouteRecord, allOn } from "../../../migration";
import { stepId } from "../../../stack/schemaSteps";
import { stackFile } from "../config/stackFile";
import { startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";
import { extracted, routeOf } from "./situations";

const target = "automation";
const instance = `${target}-postgresql`;
const step = { image: "localhost/migrations:contract", before: "b" };
const file = {
  platform: { environment: "local" },
  postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
  [target]: { ...extracted, database: { password: "sixteen characters", migration: step.image } },
};
const config = parseStackConfig(stackFile(file));
const record = routeOf(target, config.targets[target]);

const evidence = {
  metadata: { name: "one", labels: { "pyairtable.dev/step-evidence": target } },
  data: {
    "evidence.json": JSON.stringify({
      ...{ ...step, after: "a", kind: "contract", reversible: false, seconds: 1 },
      ...{ backup: { label: "x", finishedAt: "x" }, preparedAt: "x", statements: [], locks: [], tables: [] },
    }),
  },
};
const job = (type: string): object => ({
  metadata: { name: `${target}-step-${stepId(instance, step)}-1` },
  status: { conditions: [{ type, status: "True" }] },
});

async function placeOf(live: RouteRecord, jobs: readonly object[] | "forbidden" = []) {
  const { platform } = config;
  const route = httpRoute({
    ...{ target: catalogEntry(target), record: live },
    ...{ namespace: platform.namespace, gateway: platform.namespace },
    ...addressOf(target, platform),
  });
  const cluster = await startHttpStub(({ path }) => {
    if (path.includes(`/httproutes/${target}`)) return { body: route };
    if (path.includes("/configmaps")) return { body: { items: [evidence] } };
    if (path.includes("/jobs")) return jobs === "forbidden" ? { status: 403 } : { body: { items: jobs } };
    return path.includes("/endpointslices") ? { body: { items: [] } } : undefined;
  });
  try {
    const places = await findPlaces(await connectTo(cluster.origin), config);
    return places.find((place) => place.target === target) ?? assert.fail();
  } finally {
    await cluster.close();
  }
}

describe("where a target stands when all shall go to legacy", () => {
  it("is on its way to it, retired or not", async () => {
    const place = await placeOf(record);
    assert.deepEqual([place.road, place.isPastContract, place.isRetired], ["fast", false, true]);
    assert.match(placeText(place), /^automation: blue 100 -> legacy 100; /);
  });

  it("is where it stays past a contract step, and says why", async () => {
    const place = await placeOf({ ...record, contracted: instance });
    assert.deepEqual([place.road, place.isPastContract], ["forward", true]);
    const why =
      "its schema is past a contract step, from which the way back is a restore that a human confirms";
    assert.equal(placeText(place), `automation: blue 100 STAYS; ${why}: docs/restore.md`);
    assert.equal(stayedText(place), `automation STAYS at blue 100: ${why}: docs/restore.md.`);
  });

  it("is where it stays from the moment on at which the step was begun, whatever became of it", async () => {
    for (const type of ["Complete", "Failed", "Suspended"]) {
      assert.equal((await placeOf(record, [job(type)])).isPastContract, true, type);
    }
  });

  it("is told by the route alone where nobody may list Jobs: no other target is held up", async () => {
    assert.equal((await placeOf(record, "forbidden")).isPastContract, false);
    assert.equal(
      (await placeOf({ ...record, split: allOn("blue"), contracted: instance }, "forbidden")).isPastContract,
      true,
    );
  });
});
