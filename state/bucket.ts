import { isDeepStrictEqual } from "node:util";
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type LifecycleRule,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { partitionOf } from "../config/partition";
import { unlessMissing } from "./aws";
import type { Key } from "./key";
import type { StatePlace } from "./place";
import { StateError } from "./stateError";
import type { Step } from "./step";

/** How long a replaced or deleted version of the state is kept. */
const keptDays = 90;

const noPublicAccess = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const oldVersions: LifecycleRule = {
  ID: "old-versions",
  Status: "Enabled",
  Filter: { Prefix: "" },
  NoncurrentVersionExpiration: { NoncurrentDays: keptDays },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
};

const policySchema = z.looseObject({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) });
type Policy = z.infer<typeof policySchema>;

interface Found {
  readonly exists: boolean;
  readonly hasVersions: boolean;
  /** The key that encrypts what is written, if it is a KMS key and a bucket key saves calls to it. */
  readonly keyArn?: string | undefined;
  readonly isPrivate: boolean;
  readonly policy?: Policy | undefined;
  readonly rules: readonly LifecycleRule[];
}

/** The bucket of all stacks of an account: as it was found, and what it lacks. Others' rules and statements are kept. */
export class Bucket {
  private constructor(
    private readonly s3: S3Client,
    private readonly place: StatePlace,
    private readonly found: Found,
  ) {}

  /** @throws StateError when there is one that can't be used */
  static async find(s3: S3Client, place: StatePlace): Promise<Bucket> {
    const exists = await isThere(s3, place);
    return new Bucket(s3, place, exists ? await read(s3, place) : absent);
  }

  get exists(): boolean {
    return this.found.exists;
  }

  steps(key: Key): Step[] {
    const { exists, hasVersions, keyArn, isPrivate, policy, rules } = this.found;
    const { bucket } = this.place;
    const owner = { Bucket: bucket, ExpectedBucketOwner: this.place.account };
    const step = (isMissing: boolean, text: string, run: () => Promise<unknown>): Step[] =>
      isMissing ? [{ text, run }] : [];
    return [
      ...step(!exists, `make the bucket ${bucket}`, () => this.make()),
      ...step(!isPrivate, `shut ${bucket} to the public`, () =>
        this.s3.send(
          new PutPublicAccessBlockCommand({ ...owner, PublicAccessBlockConfiguration: noPublicAccess }),
        ),
      ),
      ...step(!hasVersions, `keep the versions of what is in ${bucket}`, () =>
        this.s3.send(
          new PutBucketVersioningCommand({ ...owner, VersioningConfiguration: { Status: "Enabled" } }),
        ),
      ),
      ...step(keyArn === undefined || keyArn !== key.arn, `encrypt ${bucket} with its key`, () =>
        this.s3.send(
          new PutBucketEncryptionCommand({
            ...owner,
            ServerSideEncryptionConfiguration: encryptedWith(key.arn),
          }),
        ),
      ),
      ...step(!hasStatement(policy, tlsOnly(this.place)), `let ${bucket} be reached by TLS only`, () =>
        this.s3.send(
          new PutBucketPolicyCommand({
            ...owner,
            Policy: JSON.stringify(withStatement(policy, tlsOnly(this.place))),
          }),
        ),
      ),
      ...step(!hasRule(rules), `delete old versions in ${bucket} after ${keptDays} days`, () =>
        this.s3.send(
          new PutBucketLifecycleConfigurationCommand({
            ...owner,
            LifecycleConfiguration: {
              Rules: [...rules.filter(({ ID }) => ID !== oldVersions.ID), oldVersions],
            },
          }),
        ),
      ),
    ];
  }

  private async make(): Promise<void> {
    const { bucket, region } = this.place;
    const location = Object.values(BucketLocationConstraint).find((known) => known === region);
    if (location === undefined && region !== "us-east-1") {
      throw new StateError(`found the region ${region}, expected one that has S3; nothing was changed`);
    }
    try {
      await this.s3.send(
        new CreateBucketCommand({
          Bucket: bucket,
          // The one region that must not be named.
          ...(location !== undefined && {
            CreateBucketConfiguration: { LocationConstraint: location },
          }),
        }),
      );
    } catch (error) {
      if (error instanceof Error && error.name === "BucketAlreadyExists") throw othersBucket(this.place);
      throw error;
    }
  }
}

const absent: Found = { exists: false, hasVersions: false, isPrivate: false, rules: [] };

async function isThere(s3: S3Client, place: StatePlace): Promise<boolean> {
  const { bucket, account, region } = place;
  let found: string | undefined;
  try {
    const head = await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account }));
    found = head.BucketRegion;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === "NotFound") return false;
    // A HEAD has no body that could say more.
    if (statusOf(error) === 403) throw othersBucket(place);
    if (statusOf(error) !== 301) throw error;
    found = "another region";
  }
  if (found === undefined || found === region) return true;
  throw new StateError(
    `found the bucket ${bucket} in ${found}, expected ${region} (pyairtable:platform.aws); nothing was changed`,
  );
}

function statusOf(error: Error): number | undefined {
  return z.object({ $metadata: z.object({ httpStatusCode: z.number() }) }).safeParse(error).data?.$metadata
    .httpStatusCode;
}

function othersBucket({ bucket, account }: StatePlace): StateError {
  return new StateError(
    `found the bucket ${bucket} in another account, or closed to these credentials, expected it in ${account}; nothing was changed`,
  );
}

/** @throws StateError when its policy lets everybody in: somebody meant that, and must say that it is over */
async function read(s3: S3Client, { bucket, account }: StatePlace): Promise<Found> {
  const owner = { Bucket: bucket, ExpectedBucketOwner: account };
  const [versioning, encryption, access, policy, status, lifecycle] = await Promise.all([
    s3.send(new GetBucketVersioningCommand(owner)),
    unlessMissing(
      s3.send(new GetBucketEncryptionCommand(owner)),
      "ServerSideEncryptionConfigurationNotFoundError",
    ),
    unlessMissing(s3.send(new GetPublicAccessBlockCommand(owner)), "NoSuchPublicAccessBlockConfiguration"),
    unlessMissing(s3.send(new GetBucketPolicyCommand(owner)), "NoSuchBucketPolicy"),
    unlessMissing(s3.send(new GetBucketPolicyStatusCommand(owner)), "NoSuchBucketPolicy"),
    unlessMissing(s3.send(new GetBucketLifecycleConfigurationCommand(owner)), "NoSuchLifecycleConfiguration"),
  ]);
  if (status?.PolicyStatus?.IsPublic === true) {
    throw new StateError(
      `found a policy that opens the bucket ${bucket} to everybody, expected none: look at it with aws s3api get-bucket-policy --bucket ${bucket}, and delete it; nothing was changed`,
    );
  }
  const [rule] = encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: keyArn } = rule?.ApplyServerSideEncryptionByDefault ?? {};
  return {
    exists: true,
    hasVersions: versioning.Status === "Enabled",
    ...(algorithm === "aws:kms" && rule?.BucketKeyEnabled === true && { keyArn }),
    isPrivate: isDeepStrictEqual(access?.PublicAccessBlockConfiguration, noPublicAccess),
    ...(policy?.Policy !== undefined && { policy: policySchema.parse(JSON.parse(policy.Policy)) }),
    rules: lifecycle?.Rules ?? [],
  };
}

function encryptedWith(
  keyArn: string | undefined,
): PutBucketEncryptionCommand["input"]["ServerSideEncryptionConfiguration"] {
  return {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: keyArn },
        // One call to KMS serves many objects.
        BucketKeyEnabled: true,
      },
    ],
  };
}

type Statement = Policy["Statement"][number];

function tlsOnly({ bucket, region }: StatePlace): Statement {
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`;
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

function hasStatement(policy: Policy | undefined, statement: Statement): boolean {
  return policy?.Statement.some((each) => isDeepStrictEqual(each, statement)) ?? false;
}

function withStatement(policy: Policy | undefined, statement: Statement): object {
  const others = policy?.Statement.filter(({ Sid }) => Sid !== statement.Sid) ?? [];
  return { Version: "2012-10-17", ...policy, Statement: [...others, statement] };
}

function hasRule(rules: readonly LifecycleRule[]): boolean {
  const found = rules.find(({ ID }) => ID === oldVersions.ID);
  return found?.Status === "Enabled" && found.NoncurrentVersionExpiration?.NoncurrentDays === keptDays;
}
