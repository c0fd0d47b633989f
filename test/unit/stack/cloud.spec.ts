import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { parseStackConfig } from "../../../config/parse";
import { buildCloud } from "../../../cloud";
import { checkoutDir } from "../../../local/paths";
import { stackFile } from "../config/stackFile";
import { record } from "../support/recording";

const aws = { account: "123456789012", region: "eu-central-1" };

describe("buildCloud", () => {
  it("makes a provider that takes no other account's credentials", async () => {
    const { resources, failures } = await record(() => {
      buildCloud(parseStackConfig(stackFile({ platform: { aws } })));
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

  it("makes nothing where the stack has nothing in AWS", async () => {
    const { resources } = await record(() => {
      buildCloud(parseStackConfig(stackFile()));
    });
    assert.deepEqual(resources, []);
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
