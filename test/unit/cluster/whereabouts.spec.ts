import assert from "node:assert/strict";
import { whereabouts } from "../../../cluster/whereabouts";

describe("whereabouts", () => {
  const api = { context: "mine", host: "127.0.0.1:6443" };

  it("names account, region, cluster and context", () => {
    const aws = { account: "123456789012", region: "eu-central-1" };
    assert.equal(
      whereabouts("staging", { aws, cluster: { eks: "pyairtable-staging" } }, api),
      "stack staging: account 123456789012, eu-central-1, cluster pyairtable-staging, context mine",
    );
    assert.equal(
      whereabouts("staging", { aws }, api),
      "stack staging: account 123456789012, eu-central-1, cluster 127.0.0.1:6443, context mine",
    );
  });

  it("names the API server's address where there is no account", () => {
    assert.equal(whereabouts("local", {}, api), "stack local: cluster 127.0.0.1:6443, context mine");
  });
});
