import assert from "node:assert/strict";
import { protectedData } from "../../../policy/protectedData";
import { given, said, unknown } from "./resources";

const database = "aws:rds/instance:Instance";

describe("policy protected-data", () => {
  it("refuses what holds data without the option protect", () => {
    for (const type of [
      "aws:s3/bucket:Bucket",
      "aws:ebs/volume:Volume",
      "aws:dynamodb/table:Table",
      "aws:efs/fileSystem:FileSystem",
      "aws:ecr/repository:Repository",
    ]) {
      assert.deepEqual(said(protectedData, given(type, {})), [
        "found no `protect`, expected the resource option `protect: true`; Pulumi then refuses to delete or replace it",
      ]);
      assert.deepEqual(said(protectedData, given(type, {}, { isProtected: true })), []);
    }
  });

  it("asks deletionProtection of a database besides", () => {
    assert.equal(said(protectedData, given(database, {})).length, 2);
    for (const type of [database, "aws:rds/cluster:Cluster"]) {
      const unprotected = given(type, { deletionProtection: false }, { isProtected: true });
      assert.deepEqual(said(protectedData, unprotected), [
        "found deletionProtection: false, expected true; AWS then refuses to delete it, whoever asks",
      ]);
      assert.deepEqual(
        said(protectedData, given(type, { deletionProtection: true }, { isProtected: true })),
        [],
      );
    }
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(
      said(protectedData, given(database, { deletionProtection: unknown }, { isProtected: true })),
      [],
    );
  });

  it("has no business with what holds no data", () => {
    for (const type of ["aws:ec2/vpc:Vpc", "kubernetes:core/v1:Namespace"]) {
      assert.deepEqual(said(protectedData, given(type, {})), []);
    }
  });
});
