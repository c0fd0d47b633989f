import assert from "node:assert/strict";
import { ExtractedService } from "../../../components";
import { SchemaMigration, type SchemaMigrationArgs } from "../../../components/schemaMigration";
import { stepJob } from "../../../database/stepJob";
import { ALL_LEGACY } from "../../../migration";
import type { Answerer } from "../support/httpStub";
import { type Recording, type RecordOptions, record } from "../support/recording";
import { type World, startWorld } from "../support/world";
import { extracted, onBlue, recordOf } from "./fixtures";

const step = {
  name: "auth-service-step-abc-2",
  image: "registry/migrations@sha256:2",
  client: "registry/postgresql@sha256:1",
  deadlineSeconds: 600,
  expected: { step: "abc", before: "b", after: "a" },
} as const;
const jobPath = "/apis/batch/v1/namespaces/pyairtable/jobs/auth-service-step-abc-2";
const job = (type?: string, message = ""): object => ({
  metadata: { name: step.name },
  status: { conditions: type === undefined ? [] : [{ type, status: "True", message }] },
});

/** The step's Job as it is; all else is well. */
function withJob(state: object): Answerer {
  return ({ path }) => (path === jobPath ? { body: state } : undefined);
}

const failing: Answerer = ({ path }) => {
  if (path === jobPath) return { body: job("Failed", "Job has reached the specified backoff limit") };
  if (path.includes("job-name")) {
    const terminated = { exitCode: 1, reason: "Error" };
    const pod = {
      metadata: { name: "a-pod", creationTimestamp: "2025-08-11T09:00:00Z" },
      status: {
        initContainerStatuses: [
          { name: "lock", state: { terminated: { exitCode: 137 } } },
          { name: "check", state: { terminated: { exitCode: 0 } } },
          { name: "step", state: { terminated } },
        ],
        containerStatuses: [{ name: "verify", state: { waiting: { reason: "PodInitializing" } } }],
      },
    };
    return { body: { items: [pod] } };
  }
  if (path.includes("/log?")) return { body: "goose: applying 7\nERROR: division by zero\n" };
  return undefined;
};

describe("SchemaMigration", function () {
  this.timeout(15_000);

  let world: World | undefined;
  afterEach(async () => {
    await world?.close();
    world = undefined;
  });

  async function make(
    answer: Answerer,
    changes: Partial<SchemaMigrationArgs> = {},
    options: RecordOptions = {},
  ): Promise<Recording> {
    world = await startWorld(answer);
    const { api, onRegister } = world;
    const args = { ...step, target: "auth-service", namespace: "pyairtable", api, ...changes } as const;
    return record(() => new SchemaMigration("it", args), { onRegister, ...options });
  }

  it("is the one Job of the step, exactly as the builder makes it", async () => {
    const made = await make(withJob(job("Complete")));
    assert.deepEqual(made.failures, []);
    assert.deepEqual(made.names(), ["it", "it-auth-service-step-abc-2"]);
    const { metadata, spec } = stepJob({
      ...step,
      target: "auth-service",
      namespace: "pyairtable",
      action: "up",
    });
    assert.deepEqual(made.inputs("it-auth-service-step-abc-2"), {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { ...metadata, annotations: { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" } },
      spec: JSON.parse(JSON.stringify(spec)) as unknown,
    });
  });

  it("asks for nothing in a preview, and shows the Job in full", async () => {
    const made = await make(withJob(job("Failed")), {}, { dryRun: true });
    assert.deepEqual(made.failures, []);
    assert.ok(!world?.events.some((event) => event.includes("jobs")));
  });

  it("fails with the last words of the container that failed, not of the lock that was ended with it", async () => {
    const made = await make(failing);
    assert.deepEqual(made.failures, [
      [
        "auth-service: the step registry/migrations@sha256:2 has failed; no candidate got new pods and no traffic was moved. The next update tries it again.",
        "auth-service-step-abc-2: Job has reached the specified backoff limit",
        "  step ended with 1:",
        "    goose: applying 7",
        "    ERROR: division by zero",
      ].join("\n"),
    ]);
  });

  it("only says so on a way back", async () => {
    const made = await make(failing, { mustSucceed: false });
    assert.deepEqual(made.failures, []);
  });

  it("waits for a Job that still runs", async () => {
    let asked = 0;
    const made = await make(({ path }) =>
      path === jobPath ? { body: job(++asked < 3 ? undefined : "Complete") } : undefined,
    );
    assert.deepEqual(made.failures, []);
    assert.equal(asked, 3);
  });

  describe("in an ExtractedService", () => {
    async function service(
      answer: Answerer,
      changes: Parameters<typeof extracted>[2],
    ): Promise<{ made: Recording; events: readonly string[] }> {
      world = await startWorld(answer);
      const { api, onRegister } = world;
      const args = extracted(api, "auth-service", { step: { ...step, mustSucceed: true }, ...changes });
      const made = await record(() => new ExtractedService("it", args), { onRegister });
      return { made, events: world.events };
    }
    const deployment = "registered it-blue-deployment";
    const route = "registered it-traffic-route";
    const jobAsked = `GET cluster.invalid${jobPath}`;
    const part = recordOf("auth-service", { legacy: 90, blue: 10, green: 0 });

    it("comes before a candidate's pods, and so before its traffic", async () => {
      const { events } = await service(withJob(job("Complete")), { record: part });
      const order = [jobAsked, deployment, route];
      assert.deepEqual(
        events.filter((event) => order.includes(event)),
        order,
      );
    });

    it("that fails leaves pods and route as they are", async () => {
      const { made, events } = await service(failing, { record: part });
      assert.equal(made.failures.length, 1);
      assert.ok(!events.includes(deployment) && !events.includes(route));
    });

    it("doesn't hold up a color that has traffic, only what it would gain", async () => {
      const { events } = await service(failing, {
        live: { split: { legacy: 90, blue: 10, green: 0 }, images: {} },
        record: recordOf("auth-service", { legacy: 50, blue: 50, green: 0 }),
      });
      assert.ok(events.includes(deployment));
      assert.ok(!events.includes(route));
    });

    it("holds up no way back, not even a failed one", async () => {
      const { made, events } = await service(failing, {
        step: { ...step, mustSucceed: false },
        live: { split: onBlue, images: {} },
        record: recordOf("auth-service", ALL_LEGACY),
      });
      assert.deepEqual(made.failures, []);
      assert.ok(events.includes(route) && events.includes(deployment));
    });

    describe("from which there is no way back", () => {
      const record = { ...recordOf("auth-service", onBlue), contracted: "auth-service-postgresql" };
      const live = { split: onBlue, images: {} };

      it("is done when the route says so", async () => {
        const { events } = await service(withJob(job("Complete")), { live, record });
        assert.deepEqual(
          events.filter((event) => [jobAsked, route].includes(event)),
          [jobAsked, route],
        );
      });

      it("leaves the route without a word of it when it fails", async () => {
        const { made, events } = await service(failing, { live, record });
        assert.equal(made.failures.length, 1);
        assert.ok(!events.includes(route));
      });
    });

    it("isn't there where none is wanted", async () => {
      world = await startWorld();
      const args = extracted(world.api, "auth-service");
      const made = await record(() => new ExtractedService("it", args), world);
      assert.deepEqual(made.ofType("pyairtable:index:SchemaMigration"), []);
      assert.deepEqual(made.ofType("kubernetes:batch/v1:Job"), []);
    });
  });
});
