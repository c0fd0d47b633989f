import fs from "node:fs";
import path from "node:path";
import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { parse } from "yaml";
import { z } from "zod";
import { run } from "../tools/child";
import type { StatePlace } from "./place";
import { StateError } from "./stateError";
import type { Step } from "./step";

export interface StackPlace extends StatePlace {
  readonly stack: string;
  /** Where Pulumi.yaml is. */
  readonly projectDir: string;
  /** Where Pulumi writes the stack's encrypted key. */
  readonly stackFile: string;
}

const headSchema = z.object({
  secretsprovider: z.string().optional(),
  encryptedkey: z.string().optional(),
  encryptionsalt: z.string().optional(),
});

/** The stack in its backend, and the key in its file: as they were found, and what they lack. */
export class StackRecord {
  private constructor(
    private readonly place: StackPlace,
    private readonly found: { readonly exists: boolean; readonly hasKey: boolean },
  ) {}

  /** @throws StateError when the file's secrets are encrypted in another way */
  static async find(s3: S3Client, place: StackPlace, bucketExists: boolean): Promise<StackRecord> {
    const { secretsProvider, stackFile, stack } = place;
    const head = headSchema.parse(parse(fs.readFileSync(stackFile, "utf8")));
    const other = head.encryptionsalt === undefined ? head.secretsprovider : "a passphrase";
    if (other !== undefined && other !== secretsProvider) {
      throw new StateError(
        `${path.basename(stackFile)}: found secrets encrypted with ${other}, expected ${secretsProvider}: pulumi stack change-secrets-provider --stack ${stack} '${secretsProvider}' encrypts them anew; nothing was changed`,
      );
    }
    return new StackRecord(place, {
      exists: bucketExists && (await isRecorded(s3, place)),
      hasKey: head.secretsprovider !== undefined && head.encryptedkey !== undefined,
    });
  }

  steps(): Step[] {
    const { stack, secretsProvider, stackFile } = this.place;
    const { exists, hasKey } = this.found;
    if (!exists) {
      return [
        {
          text: `make the stack ${stack}${hasKey ? "" : `, with a key of its own in ${path.basename(stackFile)}`}`,
          run: () => this.pulumi("init", stack, "--no-select", "--secrets-provider", secretsProvider),
        },
      ];
    }
    if (hasKey) return [];
    return [
      {
        text: `put the key of ${stack} into ${path.basename(stackFile)}`,
        run: () => this.pulumi("change-secrets-provider", secretsProvider, "--stack", stack),
      },
    ];
  }

  private async pulumi(...args: readonly string[]): Promise<void> {
    const { projectDir, backendUrl } = this.place;
    await run("pulumi", ["stack", ...args, "--non-interactive"], {
      cwd: projectDir,
      env: { PULUMI_BACKEND_URL: backendUrl, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
  }
}

/** Asked of S3: the CLI would write into an empty bucket when it only looks. */
async function isRecorded(
  s3: S3Client,
  { bucket, account, stack, projectDir }: StackPlace,
): Promise<boolean> {
  const file = `.pulumi/stacks/${projectName(projectDir)}/${stack}.json`;
  const { Contents: found = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: bucket, ExpectedBucketOwner: account, Prefix: file }),
  );
  return found.some(({ Key: key }) => key === file || key === `${file}.gz`);
}

function projectName(projectDir: string): string {
  const text = fs.readFileSync(path.join(projectDir, "Pulumi.yaml"), "utf8");
  return z.object({ name: z.string() }).parse(parse(text)).name;
}
