import { bucketEncryptions, buckets } from "./awsTypes";
import type { Resource, StackCheck } from "./check";
import { at, mayEqual } from "./value";

export const encryptedBuckets: StackCheck = {
  name: "encrypted-buckets",
  description: "Every S3 bucket says how it is encrypted, itself or by a configuration of its own.",
  findAmong: (resources) => {
    const configurations = resources.filter(({ type }) => bucketEncryptions.includes(type));
    return resources
      .filter(({ type }) => buckets.includes(type))
      .filter((bucket) => !isEncrypted(bucket, configurations))
      .map((bucket) => ({
        of: bucket,
        found: "no serverSideEncryptionConfiguration",
        expected: "one in the bucket, or a BucketServerSideEncryptionConfiguration that names it",
        remedy: "add one with AES256 or a key of KMS",
      }));
  },
};

function isEncrypted({ properties }: Resource, configurations: readonly Resource[]): boolean {
  return (
    at(properties, "serverSideEncryptionConfiguration") !== undefined ||
    configurations.some((configuration) =>
      mayEqual(at(configuration.properties, "bucket"), at(properties, "bucket")),
    )
  );
}
