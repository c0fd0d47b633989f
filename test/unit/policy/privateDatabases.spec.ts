import assert from "node:assert/strict";
import { privateDatabases } from "../../../policy/privateDatabases";
import { given, said, unknown } from "./resources";

describe("policy private-databases", () => {
  it("refuses a database that has a public address, or doesn't say that it has none", () => {
    for (const type of ["aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance"]) {
      assert.deepEqual(said(privateDatabases, given(type, { publiclyAccessible: true })), [
        "found publiclyAccessible: true, expected false; who may reach it is its security group's to say, from private subnets",
      ]);
      assert.equal(said(privateDatabases, given(type, {})).length, 1);
      assert.deepEqual(said(privateDatabases, given(type, { publiclyAccessible: false })), []);
    }
  });

  it("says nothing of what isn't known yet, nor of anything else", () => {
    const type = "aws:rds/instance:Instance";
    assert.deepEqual(said(privateDatabases, given(type, { publiclyAccessible: unknown })), []);
    assert.deepEqual(said(privateDatabases, given("aws:s3/bucket:Bucket", {})), []);
  });
});
