import assert from "node:assert/strict";
import { buildCloud } from "../../../cloud";
import { parseStackConfig } from "../../../config/parse";
import { type File, stackFile } from "../config/stackFile";
import { type Recording, record } from "../support/recording";

const aws = { account: "123456789012", region: "eu-central-1" };
const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const registry = { host, pulledBy: ["210987654321"] };
const blue = `${host}/pyairtable-frontend@sha256:${"a".repeat(64)}`;

async function build(changes: File): Promise<Recording> {
  const config = parseStackConfig(stackFile({ frontend: { blue }, ...changes }));
  const made = await record(() => buildCloud(config));
  assert.deepEqual(made.failures, []);
  return made;
}

describe("what a stack has in AWS", () => {
  it("is nothing without an account", async () => {
    assert.deepEqual((await build({ registry: { host } })).resources, []);
  });

  it("is a repository for each target with an image, where the stack owns them", async () => {
    const made = await build({ platform: { aws }, registry });
    assert.deepEqual(
      made.ofType("aws:ecr/repository:Repository").map(({ inputs }) => inputs["name"]),
      [
        "pyairtable-frontend",
        "pyairtable-api-gateway",
        "pyairtable-auth-service",
        "pyairtable-llm-orchestrator",
        "pyairtable-mcp-server",
        "pyairtable-airtable-gateway",
        "pyairtable-automation",
        "pyairtable-docs",
      ],
    );
    const elsewhere = made.resources.filter(
      ({ type, provider }) => type.startsWith("aws:") && provider !== "aws",
    );
    assert.deepEqual(elsewhere, []);
  });

  it("is no repository where another stack owns them", async () => {
    const made = await build({ platform: { aws }, registry: { host } });
    assert.deepEqual(made.ofType("aws:ecr/repository:Repository"), []);
  });
});
