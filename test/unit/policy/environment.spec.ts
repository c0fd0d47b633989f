import assert from "node:assert/strict";
import { unknownCheckingProxy } from "@pulumi/policy/proxy";
import { environmentOf } from "../../../policy/environment";
import { unknown } from "./resources";

describe("the environment of a resource", () => {
  const of = (clusterIdentifier: unknown): string =>
    environmentOf({ props: unknownCheckingProxy({ clusterIdentifier }) });

  it("is what the stack's provider says", () => {
    assert.equal(of("pyairtable-local"), "local");
    assert.equal(of("pyairtable-staging"), "staging");
    assert.equal(of("pyairtable-production"), "production");
  });

  it("is production, the strictest, where nobody says it or in other words", () => {
    for (const identifier of ["local", "pyairtable-local-2", "", undefined, 1, unknown]) {
      assert.equal(of(identifier), "production");
    }
    assert.equal(environmentOf(undefined), "production");
  });
});
