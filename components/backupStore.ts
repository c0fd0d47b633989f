import { Role } from "@pulumi/aws/iam/role";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy";
import { Key } from "@pulumi/aws/kms/key";
import { Bucket } from "@pulumi/aws/s3/bucket";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning";
import * as pulumi from "@pulumi/pulumi";

export interface BackupStoreArgs {
  /** The bucket's name. */
  bucket: string;
  /** Of the role that puts bundles into it. */
  roleName: string;
  /** How long an object can't be deleted, in days; it is deleted after that. */
  retentionDays: number;
  /** The AWS account, 12 digits. */
  account: string;
  region: string;
  /** The cluster's OIDC issuer without `https://`; IAM knows it as a provider. */
  oidcIssuer: string;
  /** The one ServiceAccount that may take the role. */
  serviceAccount: { readonly namespace: string; readonly name: string };
}

/** Where backups are kept: a bucket that nobody deletes from before its time, and a role that can only add to it. */
export class BackupStore extends pulumi.ComponentResource {
  /** The bucket's name, once it exists. */
  readonly bucket: pulumi.Output<string>;
  /** The ARN of the role, once it may put objects. */
  readonly roleArn: pulumi.Output<string>;

  constructor(name: string, args: BackupStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:BackupStore", name, {}, opts);

    const child = { parent: this };
    // Backups outlive a mistake in this program, and without the key they are noise.
    const lasting = { parent: this, protect: true };

    const key = new Key(
      `${name}-key`,
      {
        description: `Encrypts ${args.bucket}`,
        enableKeyRotation: true,
        deletionWindowInDays: 30,
      },
      lasting,
    );
    const keyArn = pulumi.interpolate`arn:aws:kms:${args.region}:${args.account}:key/${key.id}`;

    const bucket = new Bucket(
      `${name}-bucket`,
      // Can't be turned on later.
      { bucket: args.bucket, objectLockEnabled: true },
      lasting,
    );
    this.bucket = bucket.bucket;
    const bucketArn = pulumi.interpolate`arn:aws:s3:::${this.bucket}`;

    const versioning = new BucketVersioning(
      `${name}-versioning`,
      { bucket: this.bucket, versioningConfiguration: { status: "Enabled" } },
      child,
    );
    new BucketObjectLockConfiguration(
      `${name}-lock`,
      {
        bucket: this.bucket,
        // Not COMPLIANCE: a wrong figure, or a secret in a repository, could then not be put right by anybody.
        rule: { defaultRetention: { mode: "GOVERNANCE", days: args.retentionDays } },
      },
      { parent: this, dependsOn: versioning },
    );
    new BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        bucket: this.bucket,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
            bucketKeyEnabled: true,
          },
        ],
      },
      child,
    );
    const accessBlock = new BucketPublicAccessBlock(
      `${name}-public-access-block`,
      {
        bucket: this.bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      child,
    );
    new BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket: this.bucket,
        rules: [
          {
            id: "expire",
            status: "Enabled",
            filter: {},
            expiration: { days: args.retentionDays },
            noncurrentVersionExpiration: { noncurrentDays: 1 },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
          },
        ],
      },
      { parent: this, dependsOn: versioning },
    );
    new BucketPolicy(
      `${name}-policy`,
      {
        bucket: this.bucket,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "OnlyEncryptedConnections",
              Effect: "Deny",
              Principal: "*",
              Action: "s3:*",
              Resource: [bucketArn, pulumi.interpolate`${bucketArn}/*`],
              Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
          ],
        }),
      },
      // S3 refuses two changes of a bucket's access at once.
      { parent: this, dependsOn: accessBlock },
    );

    const role = new Role(
      `${name}-role`,
      {
        name: args.roleName,
        description: `Adds to ${args.bucket}`,
        assumeRolePolicy: JSON.stringify(trustPolicy(args)),
      },
      child,
    );
    const rolePolicy = new RolePolicy(
      `${name}-role-policy`,
      {
        role: role.name,
        policy: pulumi
          .all([bucketArn, keyArn])
          .apply(([ofBucket, ofKey]) => JSON.stringify(addOnlyPolicy(ofBucket, ofKey))),
      },
      child,
    );
    // Nobody takes the role before it may do what it is for.
    this.roleArn = pulumi
      .all([role.name, rolePolicy.id])
      .apply(([roleName]) => `arn:aws:iam::${args.account}:role/${roleName}`);

    this.registerOutputs({ bucket: this.bucket, roleArn: this.roleArn });
  }
}

/** Lets the one ServiceAccount take the role, by a token that is meant for AWS. */
function trustPolicy({ account, oidcIssuer, serviceAccount }: BackupStoreArgs): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${oidcIssuer}` },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            [`${oidcIssuer}:aud`]: "sts.amazonaws.com",
            [`${oidcIssuer}:sub`]: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          },
        },
      },
    ],
  };
}

/** Puts objects, and neither reads, lists nor deletes any. */
export function addOnlyPolicy(bucketArn: string, keyArn: string): object {
  return {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "s3:PutObject", Resource: `${bucketArn}/*` },
      // Encrypts a part, and decrypts the parts of a large object once to join them.
      { Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: keyArn },
    ],
  };
}
