/*
 * What the checks know of AWS: type tokens as @pulumi/aws gives them. The package itself isn't needed to read plain
 * properties.
 */

/** Both names of the one resource, in the versions of the package that are in use. */
export const buckets: readonly string[] = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];
export const bucketAcls: readonly string[] = ["aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2"];
export const bucketPolicy = "aws:s3/bucketPolicy:BucketPolicy";
export const publicAccessBlocks: readonly string[] = [
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
];
export const bucketEncryptions: readonly string[] = [
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
];
export const databases: readonly string[] = ["aws:rds/instance:Instance", "aws:rds/cluster:Cluster"];
/** What has an address of its own. */
export const databaseInstances: readonly string[] = [
  "aws:rds/instance:Instance",
  "aws:rds/clusterInstance:ClusterInstance",
];
export const volume = "aws:ebs/volume:Volume";
export const machine = "aws:ec2/instance:Instance";
export const table = "aws:dynamodb/table:Table";
export const fileSystem = "aws:efs/fileSystem:FileSystem";
export const imageRepository = "aws:ecr/repository:Repository";
