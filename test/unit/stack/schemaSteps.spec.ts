import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { StepJobState } from "../../../cluster/stepJobs";
import { type Value, editStackFile } from "../../../config/edit";
import type { StackConfig } from "../../../config/parse";
import { parseStackFile } from "../../../config/stackFile";
import type { StepEvidence } from "../../../database/evidence";
import { checkoutDir } from "../../../local/paths";
import { ALL_LEGACY, type Split, allOn, nextRecord } from "../../../migration";
import type { AppliedStep } from "../../../stack/outputs";
import {
  contractions,
  keptSteps,
  readStepFacts,
  stepId,
  wantedStep,
  withoutTakenBack,
} from "../../../stack/schemaSteps";
import { startWorld } from "../support/world";

const target = "auth-service";
const image = "localhost/migrations:2";
const evidence: StepEvidence = {
  image,
  before: "b",
  after: "a",
  kind: "expand",
  reversible: true,
  backup: { label: "x", finishedAt: "2025-08-11T08:00:00.000Z" },
  preparedAt: "2025-08-11T09:00:00.000Z",
  seconds: 120,
  statements: [],
  locks: [],
  tables: [],
};
const instance = `${target}-postgresql`;
const step: AppliedStep = { image, instance, before: "b", after: "a", kind: "expand", seconds: 120 };
const base = `${target}-step-${stepId("auth-service-postgresql", step)}`;

function config(migration: string | undefined, changes: Readonly<Record<string, Value>> = {}): StackConfig {
  const text = fs.readFileSync(path.join(checkoutDir, "Pulumi.local.yaml"), "utf8");
  const all = { ...(migration !== undefined && { "database.migration": migration }), ...changes };
  return parseStackFile(
    Object.entries(all).reduce(
      (edited, [key, value]) =>
        editStackFile(edited, ["config", `pyairtable:${target}`, ...key.split(".")], value),
      text,
    ),
  );
}

/** In the file, what comes with a contract step. */
const extracted = { legacy: "retired", traffic: allOn("blue") };
const restored = "auth-service-postgresql-20250811-090000";

function wanted(
  jobs: Readonly<Record<string, StepJobState>> = {},
  { applied, known = [evidence], live = ALL_LEGACY, file = {} }: Given = {},
) {
  const now = new Date("2025-08-11T09:00:00Z");
  const of = (split: Split) => ({ split, images: {}, legacy: "standby", adopt: false }) as const;
  return wantedStep(target, {
    config: config(image, file),
    live: new Map([
      [target, nextRecord(target, nextRecord(target, undefined, of(ALL_LEGACY), now), of(live), now)],
    ]),
    applied: { steps: new Map(applied && [[target, applied]]) },
    facts: { evidence: new Map([[target, known]]), jobs: new Map(Object.entries(jobs)) },
  });
}

interface Given {
  readonly applied?: AppliedStep;
  readonly known?: readonly StepEvidence[];
  readonly live?: Split;
  readonly file?: Readonly<Record<string, Value>>;
}

describe("the step that a target's releases need", () => {
  it("is as it was prepared, with time enough", () => {
    assert.deepEqual(wanted(), {
      step,
      args: {
        name: `${base}-1`,
        image,
        client: "localhost/postgresql:15",
        expected: { step: stepId("auth-service-postgresql", step), before: "b", after: "a" },
        deadlineSeconds: 1200,
        mustSucceed: true,
      },
    });
  });

  it("is tried again after an attempt that failed, and otherwise stays what it is", () => {
    const nameWith = (jobs: Readonly<Record<string, StepJobState>>) => wanted(jobs)?.args.name;
    assert.equal(nameWith({ [`${base}-1`]: "running" }), `${base}-1`);
    assert.equal(nameWith({ [`${base}-1`]: "failed" }), `${base}-2`);
    assert.equal(nameWith({ [`${base}-1`]: "failed", [`${base}-2`]: "succeeded" }), `${base}-2`);
    assert.equal(nameWith({ [`${base}-9`]: "failed", [`${base}-10`]: "failed" }), `${base}-11`);
    assert.equal(nameWith({ "auth-service-step-other-7": "failed" }), `${base}-1`);
  });

  it("isn't tried again, nor waited for, on a way back", () => {
    const blue = { legacy: 0, blue: 100, green: 0 };
    const args = wanted({ [`${base}-1`]: "failed" }, { live: blue })?.args;
    assert.deepEqual([args?.name, args?.mustSucceed], [`${base}-1`, false]);
  });

  it("is what was applied, whatever was prepared since, and though its evidence is gone", () => {
    const applied = { ...step, before: "earlier" };
    assert.deepEqual(wanted({}, { applied })?.step, applied);
    assert.deepEqual(wanted({}, { applied, known: [] })?.step, applied);
  });

  it("is none that wasn't prepared", () => {
    assert.equal(wanted({}, { known: [{ ...evidence, image: "localhost/migrations:3" }] }), undefined);
  });

  it("is another one for another instance", () => {
    assert.notEqual(stepId("auth-service-restored", step), stepId("auth-service-postgresql", step));
  });

  describe("if it is a contract step", () => {
    const known = [{ ...evidence, kind: "contract" as const }];
    const blue = allOn("blue");

    it("runs where legacy is retired, as the rules want it", () => {
      assert.equal(wanted({}, { known, live: blue, file: extracted })?.args.name, `${base}-1`);
    });

    it("is none where traffic goes back to legacy, or legacy is kept: of that the rules are shown nothing", () => {
      assert.equal(wanted({}, { known, live: blue }), undefined);
      assert.equal(wanted({}, { known, live: blue, file: { traffic: blue } }), undefined);
    });

    it("is none where a release goes back to its standby", () => {
      const file = { ...extracted, green: "localhost/pyairtable-auth-service:1.1.0" };
      const record = (split: Split) =>
        ({
          split,
          images: config(image, file).targets[target].images,
          legacy: "retired",
          adopt: false,
        }) as const;
      const now = new Date("2025-08-11T09:00:00Z");
      const [onBlue, onGreen] = [record(blue), record(allOn("green"))];
      const before = nextRecord(target, nextRecord(target, undefined, onBlue, now), onGreen, now);
      const found = wantedStep(target, {
        config: config(image, file),
        live: new Map([[target, before]]),
        applied: { steps: new Map() },
        facts: { evidence: new Map([[target, known]]), jobs: new Map() },
      });
      assert.equal(found, undefined);
    });

    it("isn't run a second time on an instance that was restored: there it must be already", () => {
      const applied = { ...step, kind: "contract" as const };
      const there = { ...applied, instance: restored, before: "a" };
      const file = { ...extracted, "database.instance": restored };
      const found = wanted({}, { applied, known, live: blue, file }) ?? assert.fail();
      assert.deepEqual(found.step, there);
      assert.deepEqual(found.args.expected, { step: stepId(restored, there), before: "a", after: "a" });
      const afterwards = wanted({}, { applied: there, known, live: blue, file });
      assert.deepEqual(afterwards?.args.expected, found.args.expected);
    });
  });

  it("runs again on an instance that was restored, if it is an expand step, which releases need", () => {
    const file = { "database.instance": restored };
    const found = wanted({}, { applied: step, file }) ?? assert.fail();
    assert.deepEqual(found.step, { ...step, instance: restored });
    assert.deepEqual(found.args.expected, { step: stepId(restored, step), before: "b", after: "a" });
  });
});

describe("what has become of contract steps", () => {
  const known = [{ ...evidence, kind: "contract" as const }];
  const found = (
    jobs: Readonly<Record<string, StepJobState>>,
    file = {},
    steps: readonly StepEvidence[] = known,
  ) =>
    contractions(config(image, file), {
      evidence: new Map([[target, steps]]),
      jobs: new Map(Object.entries(jobs)),
    }).get(target);

  it("is that they were begun, once there is a Job, unless each attempt has failed", () => {
    assert.equal(found({}), undefined);
    assert.equal(found({ [`${base}-1`]: "running" }), "begun");
    assert.equal(found({ [`${base}-1`]: "succeeded" }), "begun");
    assert.equal(found({ [`${base}-1`]: "failed" }), "failed");
    assert.equal(found({ [`${base}-1`]: "failed", [`${base}-2`]: "running" }), "begun");
  });

  it("is nothing for an expand step, for another instance, or for a trial", () => {
    const jobs = { [`${base}-1`]: "succeeded" } as const;
    assert.equal(found(jobs, { "database.instance": restored }), undefined);
    assert.equal(found({ "auth-service-trial-abcdef": "running" }), undefined);
    assert.equal(found(jobs, {}, [evidence]), undefined);
  });
});

describe("the step that was applied", () => {
  const stands = (known: readonly StepEvidence[], jobs: Readonly<Record<string, StepJobState>> = {}) =>
    withoutTakenBack(
      { steps: new Map([[target, step]]) },
      { evidence: new Map([[target, known]]), jobs: new Map(Object.entries(jobs)) },
    ).steps.has(target);

  it("stands as long as its evidence or its Job is there", () => {
    assert.ok(stands([evidence]));
    assert.ok(stands([], { [`${base}-2`]: "succeeded" }));
  });

  it("is no longer applied once it was taken back, whatever was tried for another schema since", () => {
    assert.ok(!stands([]));
    assert.ok(
      !stands([{ ...evidence, before: "other" }], { [`${target}-step-0123456789ab-1`]: "succeeded" }),
    );
  });
});

describe("the steps that stay", () => {
  const kept = (migration: string | undefined, known: readonly StepEvidence[]) =>
    [
      ...keptSteps(
        config(migration),
        { steps: new Map([[target, step]]) },
        { evidence: new Map([[target, known]]), jobs: new Map() },
      ).keys(),
    ].length === 1;

  it("are those of the last update, also when no release needs them any more", () => {
    assert.ok(kept(image, []));
    assert.ok(kept("localhost/migrations:3", []));
    assert.ok(kept(undefined, [evidence]));
  });

  it("are no contract step on an instance that was restored to before it, whose file names none", () => {
    const contract = { ...step, kind: "contract" as const };
    const keptOn = (changes: Readonly<Record<string, Value>>) =>
      keptSteps(
        config(undefined, changes),
        { steps: new Map([[target, contract]]) },
        { evidence: new Map([[target, [{ ...evidence, kind: "contract" as const }]]]), jobs: new Map() },
      ).size;
    assert.equal(keptOn({ "database.instance": restored }), 0);
    assert.equal(keptOn({}), 1);
  });

  it("are none that was taken back, and its evidence with it", () => {
    assert.ok(!kept(undefined, []));
    assert.ok(!kept(undefined, [{ ...evidence, before: "other" }]));
  });
});

describe("what is asked of the cluster about steps", () => {
  async function asked(
    migration: string | undefined,
    applied: readonly AppliedStep[],
    legacy: "standby" | "retired" = "standby",
  ): Promise<number> {
    const world = await startWorld(({ path: asks }) =>
      /configmaps|jobs/.test(asks) ? { body: { items: [] } } : undefined,
    );
    const wantedThen = { split: allOn("blue"), images: {}, legacy, adopt: false };
    try {
      await readStepFacts(world.api, config(migration), {
        live: new Map([[target, nextRecord(target, undefined, wantedThen, new Date(0))]]),
        applied: { steps: new Map(applied.map((each) => [target, each])) },
      });
      return world.events.length;
    } finally {
      await world.close();
    }
  }

  it("is nothing while no target needs one or has had one", async () => {
    assert.equal(await asked(undefined, []), 0);
  });

  it("is one list each of evidence and Jobs otherwise", async () => {
    assert.equal(await asked(image, []), 2);
    assert.equal(await asked(undefined, [step]), 2);
  });

  it("is asked of a target with a retired legacy too: a contract step may have been begun", async () => {
    assert.equal(await asked(undefined, [], "retired"), 2);
  });
});
