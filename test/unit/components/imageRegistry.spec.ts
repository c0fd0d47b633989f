import assert from "node:assert/strict";
import { ImageRegistry, type ImageRegistryArgs } from "../../../components";
import { type Recording, record } from "../support/recording";

const args: ImageRegistryArgs = {
  images: [
    { name: "frontend", repository: "pyairtable-frontend" },
    { name: "docs", repository: "pyairtable-docs" },
  ],
  pulledBy: ["210987654321", "arn:aws:iam::123456789012:role/pyairtable-nodes"],
};

async function make(): Promise<Recording> {
  const made = await record(() => {
    new ImageRegistry("registry", args);
  });
  assert.deepEqual(made.failures, []);
  return made;
}

/** A policy is JSON in a string. */
function policyOf(made: Recording, name: string): unknown {
  return JSON.parse(String(made.inputs(name)["policy"]));
}

describe("ImageRegistry", () => {
  it("makes a repository for each image, with a lifecycle and a policy, and nothing else", async () => {
    const made = await make();
    assert.deepEqual(
      made.resources.map(({ type, name, parent }) => [type, name, parent]).sort(),
      [
        ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "registry-docs-lifecycle", "registry"],
        ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "registry-frontend-lifecycle", "registry"],
        ["aws:ecr/repository:Repository", "registry-docs", "registry"],
        ["aws:ecr/repository:Repository", "registry-frontend", "registry"],
        ["aws:ecr/repositoryPolicy:RepositoryPolicy", "registry-docs-policy", "registry"],
        ["aws:ecr/repositoryPolicy:RepositoryPolicy", "registry-frontend-policy", "registry"],
        ["pyairtable:index:ImageRegistry", "registry", undefined],
      ].sort(),
    );
  });

  it("keeps what a tag names for ever, encrypted, and scans what is pushed", async () => {
    assert.deepEqual((await make()).inputs("registry-frontend"), {
      name: "pyairtable-frontend",
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: "KMS" }],
      forceDelete: false,
      tags: { "app.kubernetes.io/part-of": "pyairtable" },
    });
  });

  it("lets no update delete a repository, nor the end of the stack", async () => {
    const made = await make();
    for (const { protect, retainOnDelete } of made.ofType("aws:ecr/repository:Repository")) {
      assert.deepEqual([protect, retainOnDelete], [true, true]);
    }
  });

  it("never expires an image with a tag, whatever its age: it may run, or be a way back", async () => {
    assert.deepEqual(policyOf(await make(), "registry-frontend-lifecycle"), {
      rules: [
        {
          rulePriority: 1,
          description: "What a push that was cut short has left",
          selection: {
            tagStatus: "untagged",
            countType: "sinceImagePushed",
            countUnit: "days",
            countNumber: 14,
          },
          action: { type: "expire" },
        },
      ],
    });
  });

  it("lets accounts and roles pull, and do nothing else", async () => {
    const made = await make();
    assert.deepEqual(policyOf(made, "registry-docs-policy"), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "PullOnly",
          Effect: "Allow",
          Principal: {
            AWS: ["arn:aws:iam::210987654321:root", "arn:aws:iam::123456789012:role/pyairtable-nodes"],
          },
          Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        },
      ],
    });
    assert.equal(made.inputs("registry-docs-policy")["repository"], "pyairtable-docs");
  });
});
