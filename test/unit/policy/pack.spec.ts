import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { type ServiceError, credentials } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
  AnalyzeRequest,
  type AnalyzeResponse,
  AnalyzeStackRequest,
  type AnalyzerInfo,
  AnalyzerProviderResource,
  AnalyzerResource,
  AnalyzerResourceOptions,
  EnforcementLevel,
} from "@pulumi/pulumi/proto/analyzer_pb";
import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { checks } from "../../../policy/checks";
import { unknown } from "./resources";

const checkoutDir = path.join(__dirname, "../../..");
const packDir = path.join(checkoutDir, "policy");

describe("the policy pack", function () {
  // Pulumi's runner for packs loads a compiler before the pack.
  this.timeout(30_000);

  let pack: ChildProcessByStdio<null, Readable, null>;
  let client: AnalyzerClient;

  before(async () => {
    const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    pack = spawn(process.execPath, [runner, "127.0.0.1:1", packDir], {
      cwd: packDir,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = String(await once(pack.stdout, "data")).trim();
    client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
  });

  after(async () => {
    client.close();
    pack.kill("SIGKILL");
    await once(pack, "exit");
  });

  it("is pyairtable, and refuses: none of its policies is advice", async () => {
    const info = await call<AnalyzerInfo>((done) => client.getAnalyzerInfo(new Empty(), done));
    assert.equal(info.getName(), "pyairtable");
    assert.match(info.getVersion(), /^\d+\.\d+\.\d+$/);
    assert.deepEqual(
      info.getPoliciesList().map((policy) => policy.getName()),
      checks.map(({ name }) => name),
    );
    const levels = new Set(info.getPoliciesList().map((policy) => policy.getEnforcementlevel()));
    assert.deepEqual([...levels], [EnforcementLevel.MANDATORY]);
  });

  it("says what it requires, what was found and what to do", async () => {
    const [refusal, ...others] = await analyze("kubernetes:policy/v1:PodDisruptionBudget", {
      spec: { maxUnavailable: 0 },
    });
    assert.deepEqual(others, []);
    assert.equal(
      refusal,
      [
        "mandatory disruption-budgets: Every PodDisruptionBudget lets a pod go: one that doesn't stops the drain of a node for ever.",
        "found maxUnavailable: 0, expected a budget that lets at least one pod go; use maxUnavailable: 1",
      ].join("\n"),
    );
  });

  it("knows the environment by the resource's provider", async () => {
    const pod = { spec: { containers: [{ name: "service", image: "app:1.0.0" }] } };
    const namesFor = async (cluster: string): Promise<string[]> =>
      (await analyze("kubernetes:core/v1:Pod", pod, cluster)).map(
        (refusal) => refusal.split(/[ :]/)[1] ?? "",
      );
    assert((await namesFor("pyairtable-staging")).includes("images-by-digest"));
    assert(!(await namesFor("pyairtable-local")).includes("images-by-digest"));
  });

  it("looks past what a preview doesn't know, and into what is secret", async () => {
    const secret = (value: JavaScriptValue): JavaScriptValue => ({
      [specialSigKey]: specialSecretSig,
      value,
    });
    assert.deepEqual(await analyze("kubernetes:apps/v1:Deployment", { spec: unknown }), []);
    assert.deepEqual(await analyze("kubernetes:apps/v1:Deployment", { spec: secret(unknown) }), []);
    const spec = secret({ hostNetwork: true, nodeName: unknown, containers: [unknown] });
    const refusals = await analyze("kubernetes:core/v1:Pod", { spec });
    assert.equal(refusals.length, 1);
    assert.match(refusals.join(), /found hostNetwork: true/);
  });

  it("judges the whole stack together, and names the resource", async () => {
    const bucket = new AnalyzerResource();
    bucket.setType("aws:s3/bucket:Bucket");
    bucket.setUrn("urn:pulumi:test::pyairtable::aws:s3/bucket:Bucket::backups");
    bucket.setProperties(Struct.fromJavaScript({ bucket: "backups" }));
    bucket.setOptions(new AnalyzerResourceOptions());
    const request = new AnalyzeStackRequest();
    request.setResourcesList([bucket]);
    const response = await call<AnalyzeResponse>((done) => client.analyzeStack(request, done));
    assert.deepEqual(
      response.getDiagnosticsList().map((diagnostic) => [diagnostic.getPolicyname(), diagnostic.getUrn()]),
      [["encrypted-buckets", bucket.getUrn()]],
    );
  });

  it("is described in docs/policy.md, policy by policy", () => {
    const page = fs.readFileSync(path.join(checkoutDir, "docs", "policy.md"), "utf8");
    const rows = page.split("\n").flatMap((line) => {
      const cells = /^\| `([^`]+)` +\| (.+?) +\|$/.exec(line);
      return cells ? [{ name: cells[1], description: cells[2] }] : [];
    });
    assert.deepEqual(
      rows,
      checks.map(({ name, description }) => ({ name, description })),
    );
  });

  /** What the pack says about one resource: level, policy, its description and the finding. */
  async function analyze(
    type: string,
    properties: Record<string, JavaScriptValue>,
    cluster = "pyairtable-production",
  ): Promise<string[]> {
    const provider = new AnalyzerProviderResource();
    provider.setType("pulumi:providers:kubernetes");
    provider.setName("cluster");
    provider.setProperties(Struct.fromJavaScript({ clusterIdentifier: cluster }));
    const request = new AnalyzeRequest();
    request.setType(type);
    request.setName("it");
    request.setProperties(Struct.fromJavaScript(properties));
    request.setOptions(new AnalyzerResourceOptions());
    request.setProvider(provider);
    const response = await call<AnalyzeResponse>((done) => client.analyze(request, done));
    return response.getDiagnosticsList().map((diagnostic) => {
      const level = diagnostic.getEnforcementlevel() === EnforcementLevel.MANDATORY ? "mandatory" : "other";
      return `${level} ${diagnostic.getPolicyname()}: ${diagnostic.getMessage()}`;
    });
  }
});

/** Calls a method and resolves to its answer. */
function call<Answer>(
  method: (done: (error: ServiceError | null, answer: Answer) => void) => unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    method((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}
