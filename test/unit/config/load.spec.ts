import assert from "node:assert/strict";
import { setAllConfig } from "@pulumi/pulumi/runtime";
import { loadStackConfig } from "../../../config/load";
import { parseStackConfig } from "../../../config/parse";
import { ConfigError } from "../../../config/problem";
import { stackFile } from "./stackFile";

describe("loading the config of the running stack", () => {
  const asText = Object.entries(stackFile()).map(([key, value]) => [key, JSON.stringify(value)] as const);

  afterEach(() => setAllConfig({}));

  it("gives the same as the file", () => {
    setAllConfig(Object.fromEntries(asText));
    assert.deepEqual(loadStackConfig(), parseStackConfig(stackFile()));
  });

  it("refuses a value that isn't JSON, beside all else that is wrong, without showing it", () => {
    setAllConfig({
      ...Object.fromEntries(asText),
      "pyairtable:docs": "{hunter2",
      "pyairtable:infrastructure": "{}",
    });
    assert.throws(loadStackConfig, (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems, [
        "pyairtable:infrastructure.owner: found nothing, expected terraform or pulumi",
        "pyairtable:docs: found a string (not shown), expected a map",
      ]);
      return true;
    });
  });
});
