import assert from "node:assert/strict";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { catalogEntry } from "../../../catalog";
import { TrafficSplit, type TrafficSplitArgs } from "../../../components";
import { splitHash } from "../../../migration";
import { type Recording, type RecordOptions, record } from "../support/recording";
import { type World, startWorld } from "../support/world";
import { address, onBlue, recordOf } from "./fixtures";

const split = { legacy: 90, blue: 10, green: 0 };
const routeHash = splitHash("frontend", split);
const proofOf = "GET frontend.localhost/";
const specSchema = z.object({ rules: z.array(z.looseObject({ backendRefs: z.array(z.unknown()) })) });

describe("TrafficSplit", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
  });
  afterEach(() => world.close());

  function make(changes: Partial<TrafficSplitArgs> = {}, options: RecordOptions = {}): Promise<Recording> {
    const args: TrafficSplitArgs = {
      target: catalogEntry("frontend"),
      namespace: "apps",
      gateway: "main",
      ...address("frontend"),
      record: recordOf("frontend", split),
      after: pulumi.output("passed"),
      proxies: ["192.0.2.1:8080"],
      api: world.api,
      ...changes,
    };
    return record(() => new TrafficSplit("it", args), { onRegister: world.onRegister, ...options });
  }

  it("proves nothing of a route that is left alone", async () => {
    const made = await make({ leaveAlone: true });
    assert.deepEqual(made.names(), ["it", "it-route"]);
    assert(!world.events.includes(proofOf));
  });

  it("is one HTTPRoute with the weights, the record, the answer headers, and rules for who asks by header or cookie", async () => {
    const made = await make();
    assert.deepEqual(made.names(), ["it", "it-route"]);
    const routeFilter = header("x-pyairtable-route", routeHash);
    const only = (backend: string, match: object): object => ({
      matches: [{ path: { type: "PathPrefix", value: "/" }, headers: [match] }],
      filters: [routeFilter],
      backendRefs: [backendRef(backend, 1)],
      timeouts: { request: "30s" },
    });
    const byHeader = (backend: string): object =>
      only(backend, { type: "Exact", name: "x-pyairtable-backend", value: backend });
    const byCookie = (backend: string): object =>
      only(backend, {
        type: "RegularExpression",
        name: "Cookie",
        value: `(.*;\\s*)?pyairtable-backend=${backend}(\\s*;.*)?`,
      });
    assert.deepEqual(made.inputs("it-route"), {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: {
        name: "frontend",
        namespace: "apps",
        labels: { "app.kubernetes.io/name": "frontend", "app.kubernetes.io/part-of": "pyairtable" },
        annotations: {
          "pyairtable.dev/split": "legacy 90 / blue 10",
          "pyairtable.dev/since": "2025-08-11T09:00:00Z",
          "pyairtable.dev/previous-split": "legacy 100",
          "pyairtable.dev/held-full": "legacy",
          "pyairtable.dev/transition": recordOf("frontend", split).transition,
          "pyairtable.dev/images": '{"blue":"registry/app:1"}',
          "pyairtable.dev/legacy": "standby",
          "pulumi.com/patchForce": "true",
          "pulumi.com/patchFieldManager": "pyairtable-platform",
        },
      },
      spec: {
        parentRefs: [{ name: "main" }],
        hostnames: ["frontend.localhost", "frontend.pyairtable.internal"],
        rules: [
          byHeader("legacy"),
          byHeader("blue"),
          byCookie("legacy"),
          byCookie("blue"),
          {
            matches: [{ path: { type: "PathPrefix", value: "/" } }],
            filters: [routeFilter],
            backendRefs: [
              backendRef("legacy", 90, "pyairtable-backend=legacy; Path=/; HttpOnly; SameSite=Lax"),
              backendRef("blue", 10, "pyairtable-backend=blue; Path=/; HttpOnly; SameSite=Lax"),
              backendRef("green", 0),
            ],
            timeouts: { request: "30s" },
          },
        ],
      },
    });
  });

  it("names a retired legacy without weight, and lets nobody ask for it by header or cookie", async () => {
    const made = await make({ record: recordOf("frontend", onBlue, { legacy: "retired" }) });
    const { rules } = specSchema.parse(made.inputs("it-route")["spec"]);
    assert.deepEqual(rules.at(-1)?.backendRefs[0], backendRef("legacy", 0));
    assert(!JSON.stringify(rules.slice(0, -1)).includes("legacy"));
  });

  it("lets a stream of the orchestrator take its time", async () => {
    const made = await make({
      target: catalogEntry("llm-orchestrator"),
      record: recordOf("llm-orchestrator", split),
    });
    assert(JSON.stringify(made.inputs("it-route")).includes('"timeouts":{"request":"300s"}'));
  });

  it("is registered after what it waits for, and not at all if that fails", async () => {
    const made = await make({ after: pulumi.output(Promise.reject(new Error("not well"))) });
    assert.deepEqual(made.names(), ["it"]);
    assert.deepEqual(world.events, ["registered it"]);
  });

  it("is proven after it is registered, on every update although nothing has changed", async () => {
    await make();
    await make();
    const once = ["registered it", "registered it-route", proofOf];
    assert.deepEqual(world.events, [...once, ...once]);
  });

  it("is not proven in a preview, where the proof's outcome is shown", async () => {
    let outcome = "";
    await record(
      () => {
        const { proven } = new TrafficSplit("it", {
          target: catalogEntry("frontend"),
          namespace: "apps",
          gateway: "main",
          ...address("frontend"),
          record: recordOf("frontend", split),
          after: pulumi.output("passed"),
          proxies: [],
          api: world.api,
        });
        proven.apply((value) => (outcome = value));
      },
      { dryRun: true },
    );
    assert.equal(outcome, routeHash);
    assert.deepEqual(world.events, []);
  });

  it("fails the update when no proxy proves it", async () => {
    const made = await make({ proxies: [] });
    assert.match(made.failures.join("\n"), /frontend\.localhost: found no replica of the proxy/);
    assert.equal(made.named("it-route").parent, "it");
  });

  it("depends on what the component depends on, so that no backend is deleted before it", async () => {
    const made = await record(
      () => {
        const backend = new ConfigMap("backend");
        new TrafficSplit(
          "it",
          {
            target: catalogEntry("frontend"),
            namespace: "apps",
            gateway: "main",
            ...address("frontend"),
            record: recordOf("frontend", split),
            after: pulumi.output("passed"),
            proxies: ["192.0.2.1:8080"],
            api: world.api,
          },
          { dependsOn: [backend] },
        );
      },
      { onRegister: world.onRegister },
    );
    assert.deepEqual(made.named("it-route").dependencies, ["backend"]);
  });
});

function header(name: string, value: string, cookie?: string): object {
  const add = cookie === undefined ? {} : { add: [{ name: "Set-Cookie", value: cookie }] };
  return { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name, value }], ...add } };
}

function backendRef(backend: string, weight: number, cookie?: string): object {
  return {
    name: `frontend-${backend}`,
    port: 9898,
    weight,
    filters: [header("x-pyairtable-backend", backend, cookie)],
  };
}
