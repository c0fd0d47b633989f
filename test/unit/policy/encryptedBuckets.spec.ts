import assert from "node:assert/strict";
import type { Resource } from "../../../policy/check";
import { encryptedBuckets } from "../../../policy/encryptedBuckets";
import { type Properties, given, saidAmong, unknown } from "./resources";

const bucket = (more: Properties = {}): Resource =>
  given("aws:s3/bucket:Bucket", { bucket: "pyairtable-backups", ...more });
const configuration = (name: unknown): Resource =>
  given("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", {
    bucket: name,
  });

describe("policy encrypted-buckets", () => {
  it("refuses a bucket that doesn't say how it is encrypted", () => {
    const others = [bucket(), configuration("another"), given("aws:s3/bucketObject:BucketObject", {})];
    assert.deepEqual(saidAmong(encryptedBuckets, others), [
      "found no serverSideEncryptionConfiguration, expected one in the bucket, or a BucketServerSideEncryptionConfiguration that names it; add one with AES256 or a key of KMS",
    ]);
  });

  it("accepts one that says it itself, or that is named by a configuration", () => {
    assert.deepEqual(
      saidAmong(encryptedBuckets, [bucket({ serverSideEncryptionConfiguration: { rule: {} } })]),
      [],
    );
    assert.deepEqual(saidAmong(encryptedBuckets, [bucket(), configuration("pyairtable-backups")]), []);
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(saidAmong(encryptedBuckets, [bucket(), configuration(unknown)]), []);
    assert.deepEqual(
      saidAmong(encryptedBuckets, [bucket({ serverSideEncryptionConfiguration: unknown })]),
      [],
    );
  });
});
