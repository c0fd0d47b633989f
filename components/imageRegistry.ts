import { LifecyclePolicy } from "@pulumi/aws/ecr/lifecyclePolicy";
import { Repository } from "@pulumi/aws/ecr/repository";
import { RepositoryPolicy } from "@pulumi/aws/ecr/repositoryPolicy";
import * as pulumi from "@pulumi/pulumi";

export interface ImageRegistryArgs {
  /** Each gets a repository. */
  images: readonly {
    /** Its own among these: `frontend` */
    readonly name: string;
    /** The repository's: `pyairtable-frontend` */
    readonly repository: string;
  }[];
  /** Who may pull, and nothing else: AWS accounts (12 digits) and ARNs of roles. */
  pulledBy: readonly string[];
}

/** How long an image without a tag is kept, in days: what a push that was cut short has left. */
const untaggedDays = 14;

/** A repository in ECR for each image. */
export class ImageRegistry extends pulumi.ComponentResource {
  constructor(name: string, args: ImageRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:ImageRegistry", name, {}, opts);

    for (const image of args.images) {
      const repository = new Repository(
        `${name}-${image.name}`,
        {
          name: image.repository,
          // What a tag named once, it names for ever: `cutover pin` and a reader of the registry see the same image.
          imageTagMutability: "IMMUTABLE",
          imageScanningConfiguration: { scanOnPush: true },
          // With the key that AWS keeps for ECR. It can't be changed later without a new repository.
          encryptionConfigurations: [{ encryptionType: "KMS" }],
          forceDelete: false,
          tags: { "app.kubernetes.io/part-of": "pyairtable" },
        },
        // Every way back of every stack is an image in here. Neither a change of this program nor the end of this
        // stack may take them away: whoever really wants that does it by hand.
        { parent: this, protect: true, retainOnDelete: true },
      );
      new LifecyclePolicy(
        `${name}-${image.name}-lifecycle`,
        { repository: repository.name, policy: JSON.stringify(lifecycle) },
        { parent: this },
      );
      new RepositoryPolicy(
        `${name}-${image.name}-policy`,
        { repository: repository.name, policy: JSON.stringify(pullOnly(args.pulledBy)) },
        { parent: this },
      );
    }

    this.registerOutputs({});
  }
}

/**
 * ECR doesn't know what runs, and a release may run for a year while hundreds are pushed: a rule by age or count of
 * tagged images would delete what runs, or its standby, some day. So none of them ever expires. Tags can't move, so
 * what has none was never pinned; the parts of an index are kept by ECR as long as the index is.
 */
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      description: "What a push that was cut short has left",
      selection: {
        tagStatus: "untagged",
        countType: "sinceImagePushed",
        countUnit: "days",
        countNumber: untaggedDays,
      },
      action: { type: "expire" },
    },
  ],
};

function pullOnly(pullers: readonly string[]): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "PullOnly",
        Effect: "Allow",
        Principal: {
          AWS: pullers.map((puller) => (/^\d+$/.test(puller) ? `arn:aws:iam::${puller}:root` : puller)),
        },
        Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      },
    ],
  };
}
