import assert from "node:assert/strict";
import { BackupStore } from "../../../components/backupStore";
import { type Recording, record } from "../support/recording";

const args = {
  bucket: "pyairtable-backup-staging-123456789012",
  roleName: "pyairtable-backup-staging",
  retentionDays: 90,
  account: "123456789012",
  region: "eu-central-1",
  oidcIssuer: "oidc.eks.eu-central-1.amazonaws.com/id/A1",
  serviceAccount: { namespace: "pyairtable", name: "repository-backup" },
};

const bucketArn = `arn:aws:s3:::${args.bucket}`;
const keyArn = "arn:aws:kms:eu-central-1:123456789012:key/id-of-store-key";

function json(value: unknown): unknown {
  assert(typeof value === "string");
  return JSON.parse(value);
}

describe("BackupStore", () => {
  let made: Recording;

  before(async () => {
    made = await record(() => new BackupStore("store", args));
  });

  it("is a bucket whose objects are locked, versioned, encrypted with a key of its own, and nobody's but the account's", () => {
    const { bucket } = args;
    assert.deepEqual(made.names(), [
      "store",
      "store-bucket",
      "store-encryption",
      "store-key",
      "store-lifecycle",
      "store-lock",
      "store-policy",
      "store-public-access-block",
      "store-role",
      "store-role-policy",
      "store-versioning",
    ]);
    assert.deepEqual(made.inputs("store-bucket"), { bucket, objectLockEnabled: true });
    assert.deepEqual(made.inputs("store-versioning"), {
      bucket,
      versioningConfiguration: { status: "Enabled" },
    });
    assert.deepEqual(made.inputs("store-lock"), {
      bucket,
      rule: { defaultRetention: { mode: "GOVERNANCE", days: 90 } },
    });
    assert.deepEqual(made.inputs("store-encryption"), {
      bucket,
      rules: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
          bucketKeyEnabled: true,
        },
      ],
    });
    assert.deepEqual(made.inputs("store-key"), {
      description: `Encrypts ${bucket}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    });
    assert.deepEqual(made.inputs("store-public-access-block"), {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(json(made.inputs("store-policy")["policy"]), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "OnlyEncryptedConnections",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [bucketArn, `${bucketArn}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
  });

  it("deletes a backup when its time is over, and uploads that were never finished", () => {
    assert.deepEqual(made.inputs("store-lifecycle")["rules"], [
      {
        id: "expire",
        status: "Enabled",
        filter: {},
        expiration: { days: 90 },
        noncurrentVersionExpiration: { noncurrentDays: 1 },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
      },
    ]);
  });

  it("protects the bucket and its key from this program", () => {
    const isProtected = made.resources.filter(({ protect }) => protect).map(({ name }) => name);
    assert.deepEqual(isProtected, ["store-key", "store-bucket"]);
  });

  it("lets one ServiceAccount take the role", () => {
    const { name, assumeRolePolicy } = made.inputs("store-role");
    assert.equal(name, args.roleName);
    assert.deepEqual(json(assumeRolePolicy), {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${args.oidcIssuer}` },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: {
            StringEquals: {
              [`${args.oidcIssuer}:aud`]: "sts.amazonaws.com",
              [`${args.oidcIssuer}:sub`]: "system:serviceaccount:pyairtable:repository-backup",
            },
          },
        },
      ],
    });
  });

  it("lets the role put objects, and nothing else", () => {
    const { role, policy } = made.inputs("store-role-policy");
    assert.equal(role, args.roleName);
    assert.deepEqual(json(policy), {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: "s3:PutObject", Resource: `${bucketArn}/*` },
        { Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: keyArn },
      ],
    });
  });

  it("locks what it keeps only after versioning, and changes the bucket's access one thing at a time", () => {
    for (const name of ["store-lock", "store-lifecycle"]) {
      assert.deepEqual(made.named(name).dependencies, ["store-bucket", "store-versioning"]);
    }
    assert.deepEqual(made.named("store-policy").dependencies, ["store-bucket", "store-public-access-block"]);
  });
});
