import assert from "node:assert/strict";
import type { RoutedTargetName } from "../../../catalog";
import { ExtractedService, type ExtractedServiceArgs } from "../../../components";
import type { Watched } from "../../../components/extractedService";
import { ALL_LEGACY } from "../../../migration";
import { timingOf } from "../../../monitoring/timing";
import type { Answerer } from "../support/httpStub";
import { type Recording, type RecordOptions, record } from "../support/recording";
import { type World, startWorld } from "../support/world";
import { extracted, legacyHost, onBlue, recordOf, release } from "./fixtures";

const proofOf = (target: string): string => `GET ${target}.localhost/`;
const readinessOf = (name: string): string =>
  `GET cluster.invalid/apis/apps/v1/namespaces/pyairtable/deployments/${name}`;
const smokeCheckOf = (name: string, path = "/"): string =>
  `GET cluster.invalid/api/v1/namespaces/pyairtable/services/http:${name}:http/proxy${path}`;

describe("ExtractedService", function () {
  // A smoke check is tried for some seconds before it has failed.
  this.timeout(15_000);

  /** The newest of a test's. */
  let world: World;
  const worlds: World[] = [];
  // Each puts back what it found, so the newest goes first.
  afterEach(async () => {
    for (const each of worlds.splice(0).reverse()) await each.close();
  });

  async function make(
    changes: Partial<ExtractedServiceArgs> = {},
    {
      name = "frontend",
      answer,
      ...options
    }: RecordOptions & { name?: RoutedTargetName; answer?: Answerer } = {},
  ): Promise<Recording> {
    world = await startWorld(answer);
    worlds.push(world);
    const args = extracted(world.api, name, changes);
    return record(() => new ExtractedService("it", args), { onRegister: world.onRegister, ...options });
  }

  function assertOrder(...events: string[]): void {
    const positions = events.map((event) => {
      const position = world.events.indexOf(event);
      assert.notEqual(position, -1, `${event} is not among\n${world.events.join("\n")}`);
      return position;
    });
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
      world.events.join("\n"),
    );
  }

  it("is the three backends and the split between them", async () => {
    const made = await make();
    const children = made.resources
      .filter(({ parent }) => parent === "it")
      .map(({ name, type }) => `${name} ${type}`);
    assert.deepEqual(children.sort(), [
      "it-blue pyairtable:index:ColorRelease",
      "it-green pyairtable:index:ColorRelease",
      "it-legacy pyairtable:index:LegacyBackend",
      "it-traffic pyairtable:index:TrafficSplit",
    ]);
    assert.deepEqual(made.failures, []);
  });

  it("runs nothing for a color without image, whose Service is there all the same", async () => {
    const made = await make();
    const green = made.resources.filter(({ name }) => name.startsWith("it-green")).map(({ name }) => name);
    assert.deepEqual(green.sort(), ["it-green", "it-green-service"]);
    assert.equal(made.ofType("kubernetes:apps/v1:Deployment").length, 1);
  });

  it("has the legacy backend also once that is retired, so that a way back finds it known", async () => {
    const made = await make({
      record: recordOf("frontend", onBlue, { legacy: "retired" }),
      live: { split: onBlue, images: {} },
    });
    assert.deepEqual(
      made
        .names()
        .filter((name) => name.includes("legacy"))
        .sort(),
      ["it-legacy", "it-legacy-endpoints", "it-legacy-service"],
    );
  });

  it("tells a retired legacy nothing of the queue", async () => {
    await make(
      { record: recordOf("automation", onBlue, { legacy: "retired" }), live: { split: onBlue, images: {} } },
      { name: "automation" },
    );
    assert.deepEqual(
      world.events.filter((event) => event.includes("/consumer")),
      [],
    );
  });

  it("has no Secret and no consumer unless the target needs them", async () => {
    const made = await make();
    assert.deepEqual(made.ofType("kubernetes:core/v1:Secret"), []);
    assert.deepEqual(made.ofType("pyairtable:index:QueueConsumer"), []);
  });

  it("is watched as it will be, once its split is served, and not at all unless that is asked for", async () => {
    const monitoring: Watched = {
      rules: "files",
      namespace: "pyairtable",
      timing: timingOf(),
      soakHours: 24,
      indicators: [],
    };
    const split = { legacy: 90, blue: 10, green: 0 };
    const made = await make({ monitoring, record: recordOf("frontend", split) });
    assert.equal(made.named("it-monitoring").parent, "it");
    assert.match(JSON.stringify(made.inputs("it-monitoring-rules")), /vector\(90\)/);
    assertOrder(proofOf("frontend"), "registered it-monitoring-rules");
    const unwatched = await make();
    assert.deepEqual(unwatched.ofType("pyairtable:index:ServiceMonitoring"), []);
  });

  it("gives one signing key to both colors, as a secret", async () => {
    const made = await make(
      { signingKey: "s3cret", releases: { blue: release(), green: release() } },
      { name: "auth-service" },
    );
    const [key, ...others] = made.ofType("kubernetes:core/v1:Secret");
    assert(key);
    assert.deepEqual(others, []);
    assert.deepEqual(key.inputs["stringData"], { "[secret]": { SIGNING_KEY: "s3cret" } });
    assert.equal(key.inputs["immutable"], true);
    const deployments = made.ofType("kubernetes:apps/v1:Deployment");
    assert.equal(deployments.length, 2);
    for (const { dependencies } of deployments) assert(dependencies.includes(key.name));
  });

  it("leaves the shared signing key out of a color that has its own: its pods stay when the shared one changes", async () => {
    const releases = { blue: release(), green: release({ secrets: { SIGNING_KEY: "own" } }) };
    const podsWith = async (signingKey: string): Promise<readonly unknown[]> => {
      const made = await make({ signingKey, releases }, { name: "auth-service" });
      const deployments = made.ofType("kubernetes:apps/v1:Deployment");
      return ["it-blue-deployment", "it-green-deployment"].map(
        (name) => deployments.find((each) => each.name === name)?.inputs["spec"],
      );
    };
    const [blue, green] = await podsWith("s3cret");
    const [otherBlue, sameGreen] = await podsWith("rotated");
    assert.notDeepEqual(otherBlue, blue);
    assert.deepEqual(sameGreen, green);
  });

  it("gives traffic to a color in order: ready, smoke check, route, proof", async () => {
    await make({ record: recordOf("frontend", { legacy: 90, blue: 10, green: 0 }) });
    assertOrder(
      "registered it-blue-deployment",
      readinessOf("frontend-blue"),
      smokeCheckOf("frontend-blue"),
      "registered it-traffic-route",
      proofOf("frontend"),
    );
  });

  it("gives traffic back to legacy in order: smoke check of legacy, route, proof, change of the color", async () => {
    await make({ live: { split: onBlue, images: {} } });
    assertOrder(
      `GET ${legacyHost}:9101/`,
      "registered it-traffic-route",
      proofOf("frontend"),
      "registered it-blue-deployment",
    );
  });

  describe("with a monorepo whose container can be started", () => {
    const started = `started legacy`;

    /** @returns what happened, the start included */
    async function eventsOf(
      changes: Partial<ExtractedServiceArgs>,
      options: RecordOptions & { fails?: boolean; answer?: Answerer } = {},
    ): Promise<{ events: readonly string[]; made: Recording }> {
      let before: readonly string[] | undefined;
      const startLegacy = (): Promise<void> => {
        before = [...world.events];
        return options.fails === true ? Promise.reject(new Error("no such container")) : Promise.resolve();
      };
      const made = await make({ ...changes, startLegacy }, options);
      const after = world.events.slice(before?.length ?? 0);
      return { events: before === undefined ? after : [...before, started, ...after], made };
    }

    it("starts it before its smoke check, when it gets traffic back", async () => {
      const { events } = await eventsOf({ live: { split: onBlue, images: {} } });
      const order = [started, `GET ${legacyHost}:9101/`, "registered it-traffic-route"];
      assert.deepEqual(
        events.filter((event) => order.includes(event)),
        order,
      );
    });

    it("starts it before the route says that it is no longer retired", async () => {
      const { events } = await eventsOf({
        record: recordOf("frontend", onBlue),
        live: { split: onBlue, images: {}, legacy: "retired" },
      });
      assert.ok(events.includes(started));
      assert.ok(events.indexOf(started) < events.indexOf("registered it-traffic-route"));
    });

    it("leaves it alone otherwise, and in every preview", async () => {
      const { events } = await eventsOf({ record: recordOf("frontend", onBlue) });
      assert.ok(!events.includes(started));
      const preview = await eventsOf({ live: { split: onBlue, images: {} } }, { dryRun: true });
      assert.ok(!preview.events.includes(started));
    });

    it("lets the smoke check decide when it can't be started", async () => {
      const live = { split: onBlue, images: {} };
      const serving = await eventsOf({ live }, { fails: true });
      assert.deepEqual(serving.made.failures, []);
      const answer: Answerer = ({ host }) => (host === `${legacyHost}:9101` ? { status: 502 } : undefined);
      await world.close();
      const { made } = await eventsOf({ live }, { fails: true, answer });
      assert.match(made.failures.join(), /legacy failed its smoke check; no traffic was moved to it/);
      assert.ok(!made.names().includes("it-traffic-route"));
    });
  });

  it("checks what gains before the route, and what has traffic already after the proof", async () => {
    await make({
      record: recordOf("frontend", { legacy: 50, blue: 50, green: 0 }),
      live: { split: { legacy: 90, blue: 10, green: 0 }, images: {} },
    });
    assertOrder(
      smokeCheckOf("frontend-blue"),
      "registered it-traffic-route",
      proofOf("frontend"),
      `GET ${legacyHost}:9101/`,
    );
  });

  it("checks what has traffic on an update that changes nothing too", async () => {
    await make({ record: recordOf("frontend", onBlue), live: { split: onBlue, images: {} } });
    assertOrder(proofOf("frontend"), smokeCheckOf("frontend-blue"));
  });

  it("makes smoke check and proof neither in a preview", async () => {
    await make({ record: recordOf("frontend", onBlue) }, { dryRun: true });
    assert.deepEqual(
      world.events.filter((event) => !event.startsWith("registered ")),
      [],
    );
  });

  it("shows the whole change in a preview", async () => {
    const changes = { record: recordOf("automation", onBlue) };
    const update = await make(changes, { name: "automation" });
    await world.close();
    const preview = await make(changes, { name: "automation", dryRun: true });
    assert.deepEqual(preview.names(), update.names());
    for (const name of update.names()) assert.deepEqual(preview.inputs(name), update.inputs(name));
  });

  it("moves no traffic to a color that fails its smoke check", async () => {
    const made = await make(
      { record: recordOf("frontend", { legacy: 90, blue: 10, green: 0 }) },
      { answer: ({ path }) => (path.includes("/proxy/") ? { status: 503 } : undefined) },
    );
    assert.match(
      made.failures.join("\n"),
      /pyairtable:frontend: blue failed its smoke check; no traffic was moved to it:\n {2}answers \/: found status 503, expected 200/,
    );
    assert.deepEqual(made.ofType("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"), []);
    assert(!world.events.includes(proofOf("frontend")));
  });

  it("moves no traffic to a color that doesn't become ready", async () => {
    const made = await make(
      { record: recordOf("frontend", onBlue) },
      { answer: ({ path }) => (path.includes("/deployments/") ? { status: 500 } : undefined) },
    );
    assert.equal(made.failures.length, 1);
    assert(!world.events.includes(smokeCheckOf("frontend-blue")));
    assert.deepEqual(made.ofType("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"), []);
  });

  it("gives traffic back to legacy although the color that loses it is not ready", async () => {
    await make(
      { live: { split: onBlue, images: {} } },
      { answer: ({ path }) => (path.includes("/deployments/") ? { status: 500 } : undefined) },
    );
    assertOrder("registered it-traffic-route", proofOf("frontend"));
  });

  it("leaves the color that loses its traffic as it is when the split isn't proven", async () => {
    const made = await make({ live: { split: onBlue, images: {} }, proxies: [] });
    assert.match(made.failures.join("\n"), /found no replica of the proxy/);
    assert.equal(made.ofType("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute").length, 1);
    assert.deepEqual(made.ofType("kubernetes:apps/v1:Deployment"), []);
  });

  describe("after a route that was written without an update, by the fast road or by one that was killed", () => {
    const images = { blue: "registry/app:1" };
    const record = { ...recordOf("frontend", ALL_LEGACY), previous: onBlue };
    const live = { split: ALL_LEGACY, images };
    const unready: Answerer = ({ path }) => (path.includes("/deployments/") ? { status: 500 } : undefined);

    it("changes the color that lost its traffic only once the split is proven", async () => {
      await make({ record, live });
      assertOrder(proofOf("frontend"), "registered it-blue-deployment");
    });

    it("isn't held up by that color, which may be unready", async () => {
      const made = await make({ record, live }, { answer: unready });
      assert.deepEqual(made.failures, []);
    });

    it("insists on its readiness again when it gets another image", async () => {
      const made = await make({ record, live: { split: ALL_LEGACY, images: {} } }, { answer: unready });
      assert.equal(made.failures.length, 1);
    });
  });

  it("doesn't make a color that gains nothing wait for the proof", async () => {
    const made = await make({ proxies: [] });
    assert.equal(made.ofType("kubernetes:apps/v1:Deployment").length, 1);
    assert(!made.named("it-blue-deployment").dependencies.includes("it-traffic-route"));
  });

  it("keeps the consumer where it was while traffic is shared, and starts the color's only with all traffic", async () => {
    const replicas = (made: Recording): string[] =>
      JSON.stringify(made.inputs("it-consumer-blue")["spec"]).match(/"replicas":\d/g) ?? [];
    const shared = await make(
      { record: recordOf("automation", { legacy: 50, blue: 50, green: 0 }) },
      { name: "automation" },
    );
    assert.deepEqual(replicas(shared), ['"replicas":0']);
    await world.close();
    const all = await make({ record: recordOf("automation", onBlue) }, { name: "automation" });
    assert.deepEqual(replicas(all), ['"replicas":1']);
    assertOrder(
      "registered it-traffic-route",
      proofOf("automation"),
      `PUT ${legacyHost}:9107/consumer`,
      "registered it-consumer-blue",
    );
  });

  it("names a backend in its Service, its Deployment and the route alike", async () => {
    const made = await make({ record: recordOf("frontend", ALL_LEGACY) });
    for (const name of ["it-blue-service", "it-blue-deployment"]) {
      const { metadata } = made.inputs(name);
      assert(typeof metadata === "object" && metadata !== null && "name" in metadata);
      assert.equal(metadata.name, "frontend-blue");
    }
    assert(JSON.stringify(made.inputs("it-traffic-route")).includes('"name":"frontend-blue"'));
  });
});
