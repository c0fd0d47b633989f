import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { routedTargets } from "../../catalog";
import { editStackFile, setTraffic } from "../../config/edit";
import type { Environment } from "../../config/environment";
import { parseStackFile } from "../../config/stackFile";
import { type Resource, sentence } from "../../policy/check";
import { checks } from "../../policy/checks";
import { environmentOf } from "../../policy/environment";
import { plain } from "../../policy/value";
import { stackGraph } from "./stackGraph";

const graphSchema = z.array(
  z.object({
    type: z.string(),
    name: z.string(),
    provider: z.string().optional(),
    protect: z.boolean().optional(),
    inputs: z.record(z.string(), z.unknown()),
  }),
);

type Graph = z.infer<typeof graphSchema>;

describe("the policies", () => {
  const kept = fs.readdirSync(__dirname).filter((file) => file.endsWith(".json"));
  for (const file of kept) {
    it(`have nothing against a graph that is kept: ${file}`, () => {
      assert.deepEqual(violationsIn(resourcesOf(readGraph(file))), []);
    });
  }

  for (const [file, environment] of Object.entries({
    "local.json": "local",
    "staging.json": "staging",
    "prod.json": "production",
  })) {
    it(`know the environment of all that is in a cluster: ${file}`, () => {
      const inCluster = resourcesOf(readGraph(file)).filter(({ type }) => type.startsWith("kubernetes:"));
      assert.deepEqual([...new Set(inCluster.map((resource) => resource.environment))], [environment]);
    });
  }

  it("have nothing against production with both colors of every target, scaled or not, and a consumer", async () => {
    const graph = await stackGraph([productionOnBlue()]);
    const deployments = graph.filter(({ type }) => type === "kubernetes:apps/v1:Deployment");
    assert.equal(deployments.length, 2 * routedTargets.length + 2);
    assert.deepEqual(violationsIn(resourcesOf(graph)), []);
  });

  it("have nothing against the guard in production", async () => {
    const guard = {
      image: `registry.example/pyairtable-guard@sha256:${"c".repeat(64)}`,
      repository: "pyairtable/platform",
      prometheus: { namespace: "monitoring", url: "http://prometheus.monitoring:9090" },
      alertToken: "a",
      reportToken: "r",
      githubToken: "g",
    };
    const graph = await stackGraph([
      editStackFile(productionOnBlue(), ["config", "pyairtable:guard"], guard),
    ]);
    assert.ok(graph.some(({ name }) => name === "guard-deployment"));
    assert.deepEqual(violationsIn(resourcesOf(graph)), []);
  });

  it("refuse the local stack's graph anywhere else, for its tags and its single replicas", () => {
    const names = (environment: Environment): string[] => {
      const elsewhere = resourcesOf(readGraph("local.json")).map((resource) => ({
        ...resource,
        environment,
      }));
      const all = violationsIn(elsewhere).map((violation) => violation.split(" ", 1).join());
      return [...new Set(all)].sort();
    };
    assert.deepEqual(names("staging"), ["images-by-digest"]);
    assert.deepEqual(names("production"), ["images-by-digest", "production-replicas", "production-scalers"]);
  });
});

function readGraph(file: string): Graph {
  return graphSchema.parse(JSON.parse(fs.readFileSync(path.join(__dirname, file), "utf8")));
}

/** As the engine gives them to the pack. */
function resourcesOf(graph: Graph): Resource[] {
  return graph.map(({ type, name, provider, protect = false, inputs }) => {
    const ofProvider = graph.find((other) => other.name === provider);
    return {
      type,
      urn: name,
      properties: plain(inputs),
      isProtected: protect,
      environment: environmentOf(ofProvider && { props: ofProvider.inputs }),
    };
  });
}

function violationsIn(resources: readonly Resource[]): string[] {
  return checks.flatMap((check) => {
    const findings =
      "find" in check
        ? resources.flatMap((of) => check.find(of).map((finding) => ({ of, ...finding })))
        : check.findAmong(resources);
    return findings.map((finding) => `${check.name} ${finding.of.urn}: ${sentence(finding)}`);
  });
}

/** Production's stack file a long way further on. */
function productionOnBlue(): string {
  const file = fs.readFileSync(path.join(__dirname, "../../Pulumi.prod.yaml"), "utf8");
  const registry = parseStackFile(file).registry?.host ?? "registry.example";
  const key = (target: string, name: string): string[] => ["config", `pyairtable:${target}`, name];
  const withColors = routedTargets.reduce((text, target) => {
    const image = (digit: string): string => `${registry}/pyairtable-${target}@sha256:${digit.repeat(64)}`;
    const withBlue = editStackFile(text, key(target, "blue"), image("b"));
    const withBoth = editStackFile(withBlue, key(target, "green"), image("a"));
    return setTraffic(withBoth, target, { legacy: 0, blue: 100, green: 0 });
  }, file);
  const withKey = editStackFile(withColors, key("auth-service", "signingKey"), "key");
  return editStackFile(withKey, key("frontend", "autoscale"), { max: 6, cpuPercent: 70 });
}
