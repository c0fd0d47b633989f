import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { catalogEntry } from "../../../catalog";
import { QueueConsumer, type QueueConsumerArgs } from "../../../components";
import type { RunningRelease } from "../../../components/colorRelease";
import { type Recording, type RecordOptions, record } from "../support/recording";
import { type World, startWorld } from "../support/world";
import { legacyHost } from "./fixtures";

const pods =
  "GET cluster.invalid/api/v1/namespaces/apps/pods?labelSelector=app.kubernetes.io/name=automation,pyairtable.dev/role=consumer";
const deletionOfGreen =
  "DELETE cluster.invalid/apis/apps/v1/namespaces/apps/deployments/automation-green-consumer";
const askedLegacy = "GET 198.18.0.1:9107/consumer";
const toldLegacy = "PUT 198.18.0.1:9107/consumer";

describe("QueueConsumer", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
  });
  afterEach(() => world.close());

  function make(changes: Partial<QueueConsumerArgs> = {}, options: RecordOptions = {}): Promise<Recording> {
    const args: QueueConsumerArgs = {
      target: catalogEntry("automation"),
      namespace: "apps",
      consumer: "blue",
      releases: { blue: running("blue") },
      legacy: { host: legacyHost },
      after: pulumi.output("proven"),
      api: world.api,
      ...changes,
    };
    return record(() => new QueueConsumer("it", args), { onRegister: world.onRegister, ...options });
  }

  it("is a colour's own pod that consumes instead of serving, one at most", async () => {
    const made = await make();
    const labels = {
      "app.kubernetes.io/name": "automation",
      "app.kubernetes.io/part-of": "pyairtable",
      "app.kubernetes.io/instance": "automation-blue",
      "pyairtable.dev/backend": "blue",
    };
    const selector = { "app.kubernetes.io/instance": "automation-blue", "pyairtable.dev/role": "consumer" };
    assert.deepEqual(made.names(), ["it", "it-blue"]);
    assert.deepEqual(made.inputs("it-blue"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "automation-blue-consumer", namespace: "apps", labels },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" },
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: { ...labels, ...selector } },
          spec: {
            automountServiceAccountToken: false,
            containers: [{ image: "registry/blue:1", name: "consumer", args: ["consume"] }],
          },
        },
      },
    });
  });

  it("moves from legacy to a colour by stop, confirm, start", async () => {
    await make();
    assert.deepEqual(world.events, [
      "registered it",
      askedLegacy,
      toldLegacy,
      deletionOfGreen,
      pods,
      "registered it-blue",
    ]);
  });

  it("moves between colours by stop, confirm, start", async () => {
    await make({ releases: { blue: running("blue"), green: running("green") } });
    assert.deepEqual(world.events, [
      "registered it",
      "registered it-green",
      askedLegacy,
      toldLegacy,
      pods,
      "registered it-blue",
    ]);
  });

  it("moves back to legacy by stop, confirm, start", async () => {
    const made = await make({ consumer: "legacy" });
    assert.deepEqual(replicas(made, "it-blue"), 0);
    assert.deepEqual(
      world.events,
      // Legacy says at once that it consumes already.
      ["registered it", "registered it-blue", deletionOfGreen, pods, askedLegacy],
    );
  });

  it("confirms on every update, although nothing has changed", async () => {
    await make();
    await make();
    assert.equal(world.events.filter((event) => event === pods).length, 2);
    assert.equal(world.events.filter((event) => event === toldLegacy).length, 1);
  });

  it("asks nobody in a preview, and shows the replicas that will be", async () => {
    const made = await make(
      { releases: { blue: running("blue"), green: running("green") } },
      { dryRun: true, onRegister: () => undefined },
    );
    assert.deepEqual(world.events, []);
    assert.equal(replicas(made, "it-blue"), 1);
    assert.equal(replicas(made, "it-green"), 0);
  });

  it("doesn't ask a retired legacy", async () => {
    await make({ legacy: undefined });
    assert(!world.events.some((event) => event.includes("198.18.0.1")));
  });

  it("follows the traffic: nothing is stopped or started before the split is proven", async () => {
    const made = await make({
      releases: { blue: running("blue"), green: running("green") },
      after: pulumi.output(Promise.reject<string>(new Error("not proven"))),
    });
    assert.match(made.failures.join("\n"), /not proven/);
    assert.deepEqual(world.events, ["registered it"]);
  });
});

describe("QueueConsumer, when another doesn't stop", () => {
  let world: World;
  afterEach(() => world.close());

  async function make(changes: Partial<QueueConsumerArgs>): Promise<Recording> {
    const args: QueueConsumerArgs = {
      target: catalogEntry("automation"),
      namespace: "apps",
      consumer: "blue",
      releases: { blue: running("blue") },
      legacy: { host: legacyHost },
      after: pulumi.output("proven"),
      api: world.api,
      ...changes,
    };
    return record(() => new QueueConsumer("it", args), { onRegister: world.onRegister });
  }

  it("starts none while legacy still consumes", async () => {
    world = await startWorld(({ path }) =>
      path === "/consumer" ? { body: { consuming: true } } : undefined,
    );
    const made = await make({});
    assert.match(
      made.failures.join("\n"),
      /pyairtable:automation: legacy was told to stop consuming; found status 200/,
    );
    assert.deepEqual(made.names(), ["it"]);
  });

  it("starts none while the pods can't be read", async () => {
    world = await startWorld(({ path }) => (path.includes("/pods?") ? { status: 403 } : undefined));
    const made = await make({});
    assert.match(made.failures.join("\n"), /found status 403 for the list of consuming pods, expected 200/);
    assert.deepEqual(made.names(), ["it"]);
  });

  it("tells legacy nothing before the colours are known to have stopped", async () => {
    world = await startWorld(({ path }) => (path.includes("/pods?") ? { status: 500 } : undefined));
    const made = await make({ consumer: "legacy" });
    assert.equal(made.failures.length, 1);
    assert(!world.events.some((event) => event.includes("/consumer")));
  });
});

function running(color: string): RunningRelease {
  return {
    ready: pulumi.output("ready"),
    pod: { automountServiceAccountToken: false },
    container: { image: `registry/${color}:1` },
  };
}

function replicas(made: Recording, name: string): unknown {
  const { spec } = made.inputs(name);
  return typeof spec === "object" && spec !== null && "replicas" in spec ? spec.replicas : undefined;
}
