import assert from "node:assert/strict";
import { publicBuckets } from "../../../policy/publicBuckets";
import { type Properties, given, said, unknown } from "./resources";

const ofBucket = (properties: Properties): string[] =>
  said(publicBuckets, given("aws:s3/bucket:Bucket", properties));
const ofPolicy = (policy: unknown): string[] =>
  said(publicBuckets, given("aws:s3/bucketPolicy:BucketPolicy", { bucket: "backups", policy }));

const everybody = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::backups/*",
};
const allUsers = "http://acs.amazonaws.com/groups/global/AllUsers";

describe("policy public-buckets", () => {
  it("refuses a public ACL, on the bucket or beside it", () => {
    assert.deepEqual(ofBucket({ acl: "public-read" }), [
      'found acl: "public-read", expected "private"; take the ACL out; private is the default',
    ]);
    for (const type of [
      "aws:s3/bucketV2:BucketV2",
      "aws:s3/bucketAcl:BucketAcl",
      "aws:s3/bucketAclV2:BucketAclV2",
    ]) {
      assert.equal(said(publicBuckets, given(type, { acl: "public-read-write" })).length, 1);
    }
  });

  it("refuses a grant to everybody", () => {
    assert.deepEqual(ofBucket({ grants: [{ uri: allUsers, permissions: ["READ"] }] }), [
      `found a grant to "${allUsers}", expected grants to named accounts only; take the grant out`,
    ]);
    const accessControlPolicy = {
      grants: [{ grantee: { uri: allUsers } }, { grantee: { id: "of-an-account" } }],
    };
    assert.equal(said(publicBuckets, given("aws:s3/bucketAcl:BucketAcl", { accessControlPolicy })).length, 1);
  });

  it("refuses a public access block that leaves something open", () => {
    const block = given("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {
      blockPublicAcls: true,
      blockPublicPolicy: false,
      ignorePublicAcls: true,
    });
    assert.deepEqual(said(publicBuckets, block), [
      "found blockPublicPolicy: false, restrictPublicBuckets: nothing, expected true for each; what isn't set is off",
    ]);
  });

  it("refuses a policy that lets everybody in, as text or as a map", () => {
    const document = { Version: "2012-10-17", Statement: [everybody] };
    for (const policy of [document, JSON.stringify(document), { Statement: everybody }]) {
      assert.deepEqual(ofPolicy(policy), [
        'found a policy that allows "s3:GetObject" to everybody, expected a principal, or a condition; name who may, or put CloudFront in front',
      ]);
    }
    assert.equal(ofPolicy({ Statement: [{ ...everybody, Principal: { AWS: "*" } }] }).length, 1);
    assert.equal(ofPolicy({ Statement: [{ ...everybody, Principal: { AWS: ["*"] } }] }).length, 1);
    assert.equal(ofBucket({ policy: JSON.stringify(document) }).length, 1);
  });

  it("accepts a private bucket, a full block and a policy for somebody", () => {
    assert.deepEqual(ofBucket({}), []);
    assert.deepEqual(ofBucket({ acl: "private" }), []);
    const block = {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    };
    assert.deepEqual(
      said(publicBuckets, given("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", block)),
      [],
    );
    for (const change of [
      { Principal: { AWS: "arn:aws:iam::123456789012:root" } },
      { Effect: "Deny" },
      { Condition: { Bool: { "aws:SecureTransport": "true" } } },
    ]) {
      assert.deepEqual(ofPolicy({ Statement: [{ ...everybody, ...change }] }), []);
    }
  });

  it("says nothing of what isn't known yet, or is no policy at all", () => {
    assert.deepEqual(ofBucket({ acl: unknown, grants: [{ uri: unknown }], policy: unknown }), []);
    for (const policy of [unknown, { Statement: unknown }, { Statement: [unknown] }, "no JSON", "null"]) {
      assert.deepEqual(ofPolicy(policy), []);
    }
    const block = given("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {
      blockPublicAcls: unknown,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(said(publicBuckets, block), []);
  });

  it("has no business with other types", () => {
    assert.deepEqual(
      said(publicBuckets, given("aws:sqs/queuePolicy:QueuePolicy", { policy: { Statement: everybody } })),
      [],
    );
  });
});
