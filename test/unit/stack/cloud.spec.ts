import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { awsProvider, buildCloud } from "../../../stack/cloud";
import { parseStackConfig } from "../../../config/parse";
import { checkoutDir } from "../../../local/paths";
import { type File, stackFile } from "../config/stackFile";
import { awsPostgresql } from "../support/awsPostgresql";
import { type Recording, record } from "../support/recording";

const aws = { account: "123456789012", region: "eu-central-1" };
const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const registry = { host, pulledBy: ["210987654321"] };
const blue = `${host}/pyairtable-frontend@sha256:${"a".repeat(64)}`;

async function build(changes: File): Promise<Recording> {
  const config = parseStackConfig(stackFile({ frontend: { blue }, ...changes }));
  const { aws: place } = config.platform;
  const made = await record(() => {
    if (place !== undefined) buildCloud(config, place, awsProvider(place));
  });
  assert.deepEqual(made.failures, []);
  return made;
}

describe("what a stack has in AWS", () => {
  it("makes a provider that takes no other account's credentials", async () => {
    const { resources, failures } = await record(() => {
      awsProvider(aws);
    });
    assert.deepEqual(failures, []);
    assert.deepEqual(resources, [
      {
        type: "pulumi:providers:aws",
        name: "aws",
        dependencies: [],
        // The SDK hands all but text to providers as JSON, and adds its own two.
        inputs: {
          region: "eu-central-1",
          allowedAccountIds: '["123456789012"]',
          skipCredentialsValidation: "false",
          skipRegionValidation: "true",
        },
      },
    ]);
  });

  it("is nothing without an account", async () => {
    assert.deepEqual((await build({ registry: { host } })).resources, []);
  });

  it("is an instance for each target with a database, and those that it keeps; with a spare in another zone in production", async () => {
    const digest = `${host}/pyairtable-postgresql@sha256:${"a".repeat(64)}`;
    const postgresql = awsPostgresql(digest);
    const database = {
      password: "correct horse battery staple",
      instance: "automation-postgresql-2",
      kept: ["automation-postgresql"],
    };
    for (const environment of ["staging", "production"]) {
      const made = await build({
        platform: { aws, environment },
        postgresql,
        automation: { traffic: { legacy: 100, blue: 0, green: 0 }, database },
      });
      assert.deepEqual(
        made.ofType("aws:rds/instance:Instance").map(({ name, inputs }) => [name, inputs["multiAz"]]),
        [
          ["automation-postgresql-automation-postgresql-2", environment === "production"],
          ["automation-postgresql-automation-postgresql", environment === "production"],
        ],
      );
    }
    assert.deepEqual(
      (await build({ platform: { aws }, postgresql })).ofType("aws:rds/instance:Instance"),
      [],
    );
  });

  it("is a repository for each image that is made for the platform, where the stack owns them", async () => {
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
        "pyairtable-auth-service-migrations",
        "pyairtable-llm-orchestrator-migrations",
        "pyairtable-automation-migrations",
        "pyairtable-postgresql",
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

  it("is loaded, and AWS's SDKs with it, only where the stack has something there", () => {
    const script = `
      require("./tools/quietSdk.js").quietSdk();
      require(require("./tools/bundle.js").bundled("index.ts"));
      const loaded = Object.keys(require.cache);
      console.log(loaded.some((file) => file.includes(${JSON.stringify(path.join("@pulumi", "kubernetes"))})));
      console.log(loaded.some((file) => /@pulumi.aws|@aws-sdk/.test(file)));`;
    const told = execFileSync(process.execPath, ["-e", script], { cwd: checkoutDir, encoding: "utf8" });
    assert.deepEqual(told.trim().split("\n"), ["true", "false"]);
  });
});
