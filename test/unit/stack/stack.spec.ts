import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { RoutedTargetName } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import {
  type CompletedDigests,
  type LiveRoute,
  type Split,
  type StepKind,
  nextRecord,
} from "../../../migration";
import type { WantedStep } from "../../../stack/schemaSteps";
import { buildStack } from "../../../stack/stack";
import { type File, stackFile } from "../config/stackFile";
import { type Recording, record } from "../support/recording";
import { type World, startWorld } from "../support/world";

const now = new Date("2025-08-25T09:00:00Z");
const blue = "registry/app@sha256:" + "b".repeat(64);

describe("buildStack", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
  });
  afterEach(() => world.close());

  /** @returns what the engine was asked for, and the stack's outputs */
  async function build(
    changes: File = {},
    live: ReadonlyMap<RoutedTargetName, LiveRoute> = new Map(),
    completed: CompletedDigests = new Map(),
    steps: ReadonlyMap<RoutedTargetName, WantedStep> = new Map(),
  ): Promise<{ made: Recording; outputs: pulumi.Unwrap<ReturnType<typeof buildStack>> | undefined }> {
    const config = parseStackConfig(stackFile(changes));
    const results: pulumi.Unwrap<ReturnType<typeof buildStack>>[] = [];
    const made = await record(
      () => {
        pulumi
          .output(
            buildStack({
              config,
              live,
              completed,
              api: world.api,
              now,
              evidence: undefined,
              leftAlone: new Set(),
              steps,
              keptSteps: new Map(),
              cloud: {},
              backupScript: "",
            }),
          )
          .apply((known) => results.push(known));
      },
      { onRegister: world.onRegister },
    );
    assert.deepEqual(made.failures, []);
    return { made, outputs: results[0] };
  }

  it("tells each target's stage, split, images and URL, and who owns the infrastructure", async () => {
    const { outputs } = await build({ frontend: { blue } });
    assert.deepEqual(outputs?.targets.frontend, {
      stage: "staged",
      split: "legacy 100",
      images: { blue },
      url: "https://frontend.pyairtable.example",
    });
    assert.deepEqual(outputs.targets.docs, {
      stage: "legacy",
      split: "legacy 100",
      images: {},
      url: "https://docs.pyairtable.example",
    });
    assert.deepEqual(outputs.infrastructure, { owner: "terraform" });
    assert.equal(Object.keys(outputs.targets).length, 8);
  });

  it("tells the port only where users must name it", async () => {
    for (const [publicPort, url] of [
      [443, "https://docs.pyairtable.example"],
      [80, "http://docs.pyairtable.example"],
      [8080, "http://docs.pyairtable.example:8080"],
    ] as const) {
      const { outputs } = await build({ platform: { publicPort } });
      assert.equal(outputs?.targets.docs.url, url);
    }
  });

  it("keeps a route's history while its split stays, and derives the stage from it", async () => {
    const since = new Date("2025-08-24T10:00:00Z");
    const split = { legacy: 0, blue: 100, green: 0 };
    const route = liveRoute(split, since);
    const { made, outputs } = await build(
      { frontend: { blue, traffic: split } },
      new Map([["frontend", route]]),
    );
    assert.equal(outputs?.targets.frontend.stage, "soaking");
    assert(JSON.stringify(made.inputs("frontend-traffic-route")).includes("2025-08-24T10:00:00Z"));
  });

  it("has the route say that the schema is past a contract step, once it is, and of no other", async () => {
    const instance = "automation-postgresql";
    const said = async (kind: StepKind): Promise<boolean> => {
      await world.close();
      const job = {
        metadata: { name: "a-step-1" },
        status: { conditions: [{ type: "Complete", status: "True" }] },
      };
      world = await startWorld(({ path }) => (path.endsWith("/a-step-1") ? { body: job } : undefined));
      const expected = { step: "s", before: "b", after: "a" };
      const image = "localhost/migrations:1";
      const args = { name: "a-step-1", image, client: image, expected, deadlineSeconds: 600 };
      const step = { image, instance, before: "b", after: "a", kind, seconds: 1 };
      const { made } = await build(
        {
          platform: { environment: "local" },
          postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
          automation: { database: { password: "sixteen characters", migration: image } },
        },
        new Map(),
        new Map(),
        new Map([["automation", { step, args }]]),
      );
      return JSON.stringify(made.inputs("automation-traffic-route")).includes(
        `"pyairtable.dev/contracted":"${instance}"`,
      );
    };
    assert.deepEqual([await said("contract"), await said("expand")], [true, false]);
  });

  it("takes a route that can't be believed for none: whatever is to have traffic is checked", async () => {
    const { made } = await build(
      { frontend: { blue, traffic: { legacy: 0, blue: 100, green: 0 }, adopt: true } },
      new Map([["frontend", { tampered: "by hand" }]]),
    );
    assert(made.named("frontend-traffic-route").dependencies.includes("frontend-blue-deployment"));
    assert(world.events.some((event) => event.includes("frontend-blue:http/proxy")));
  });

  it("gives each color its own image, settings and secrets", async () => {
    const green = "registry/app@sha256:" + "c".repeat(64);
    const { made } = await build({
      frontend: {
        blue,
        green,
        settings: { blue: { LEVEL: "blue" } },
        secrets: { green: { KEY: "only-green" } },
      },
    });
    const json = (name: string): string => JSON.stringify(made.inputs(name));
    assert(json("frontend-blue-deployment").includes(blue));
    assert(json("frontend-green-deployment").includes(green));
    assert(json("frontend-blue-settings").includes('"LEVEL":"blue"'));
    assert(!json("frontend-green-settings").includes("LEVEL"));
    assert.deepEqual(
      made.ofType("kubernetes:core/v1:Secret").map(({ name, inputs }) => [name, inputs["stringData"]]),
      [["frontend-green-secrets", { "[secret]": { KEY: "only-green" } }]],
    );
  });

  it("gives the signing key to auth-service only", async () => {
    const { made } = await build({ "auth-service": { blue, signingKey: "key" }, frontend: { blue } });
    assert.deepEqual(
      made.ofType("kubernetes:core/v1:Secret").map(({ name, parent }) => [name, parent]),
      [["auth-service-signing-key", "auth-service"]],
    );
  });

  it("goes to the context that the config names, as the same cluster whatever its address", async () => {
    const { made } = await build({ platform: { kubeContext: "pyairtable-production" } });
    assert.deepEqual(made.inputs("cluster"), {
      context: "pyairtable-production",
      clusterIdentifier: "pyairtable-production",
      enableConfigMapMutable: "true",
    });
    const { made: found } = await build({
      platform: { aws: { account: "123456789012", region: "eu-central-1" }, cluster: { eks: "production" } },
    });
    assert.equal(found.inputs("cluster")["context"], world.api.context);
    const { made: withCurrent } = await build();
    assert(!("context" in withCurrent.inputs("cluster")));
  });

  it("lets in the proxies' namespace, or the host of those at fixed addresses", async () => {
    const ingress = ({ made }: { made: Recording }): string =>
      JSON.stringify(made.inputs("frontend-blue-network-policy")["spec"]);
    const looked = await build({
      frontend: { blue },
      platform: { proxies: { service: "projectcontour/envoy", port: 8080 } },
    });
    assert(ingress(looked).includes('"kubernetes.io/metadata.name":"projectcontour"'));
    const fixed = await build({ frontend: { blue } });
    assert(ingress(fixed).includes('"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.7/32"}}]'));
  });

  it("lets a release reach what it calls at the gateway's address, and at the port of the proxies themselves", async () => {
    const platform = { internalGateway: { address: "10.0.0.81", port: 81 } };
    const { made: fixed } = await build({ frontend: { blue }, platform });
    assert.deepEqual(fixed.inputs("frontend-blue-settings")["data"], {
      SESSION_COOKIE: "pyairtable-session",
      STATIC_ASSETS_PATH: "/_next/static",
      API_GATEWAY_URL: "http://api-gateway.pyairtable.internal:81",
    });
    assert.deepEqual(podSpec(fixed).hostAliases, [
      { ip: "10.0.0.81", hostnames: ["api-gateway.pyairtable.internal"] },
    ]);
    const toHost = { to: [{ ipBlock: { cidr: "10.0.0.7/32" } }], ports: [{ port: 81 }] };
    assert.deepEqual(egress(fixed)[0], toHost);
    const proxies = { service: "projectcontour/envoy", port: 8080 };
    const { made: looked } = await build({ frontend: { blue }, platform: { ...platform, proxies } });
    const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": "projectcontour" } };
    assert.deepEqual(egress(looked)[0], { to: [{ namespaceSelector }], ports: [{ port: 8080 }] });
  });

  it("gives every target one route for its public and its internal name", async () => {
    const { made } = await build();
    const routes = made.ofType("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute");
    assert.equal(routes.length, 8);
    const docs = JSON.stringify(made.inputs("docs-traffic-route")["spec"]);
    assert(docs.includes('"hostnames":["docs.pyairtable.example","docs.pyairtable.internal"]'));
  });

  function liveRoute(split: Split, since: Date): LiveRoute {
    const wanted = { split, images: { blue }, legacy: "standby", adopt: false } as const;
    return nextRecord("frontend", undefined, wanted, since);
  }
});

const deployment = z.object({
  spec: z.object({ template: z.object({ spec: z.object({ hostAliases: z.unknown() }) }) }),
});
const policy = z.object({ spec: z.object({ egress: z.array(z.unknown()) }) });

function podSpec(made: Recording): { readonly hostAliases?: unknown } {
  return deployment.parse(made.inputs("frontend-blue-deployment")).spec.template.spec;
}

function egress(made: Recording): readonly unknown[] {
  return policy.parse(made.inputs("frontend-blue-network-policy")).spec.egress;
}
