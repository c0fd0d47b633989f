import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  EnableKeyRotationCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  type KeyMetadata,
  ListResourceTagsCommand,
  paginateListKeys,
} from "@aws-sdk/client-kms";
import { unlessMissing } from "./aws";
import { StateError } from "./stateError";
import type { Step } from "./step";

/** On the key from its first moment, so that one without its alias is found again after an interruption. */
const aliasTag = "pyairtable-alias";

/** A KMS key with its alias and yearly rotation: as it was found, and what it lacks. */
export class Key {
  private constructor(
    private readonly kms: KMSClient,
    private readonly alias: string,
    private readonly found: { readonly arn?: string; readonly hasAlias: boolean; readonly rotates: boolean },
  ) {
    this.arn = found.arn;
  }

  /** Undefined until there is one. */
  arn: string | undefined;

  /** @throws StateError when there is a key that can't be used */
  static async find(kms: KMSClient, alias: string): Promise<Key> {
    const aliased = await describe(kms, alias);
    const metadata = aliased ?? (await unfinished(kms, alias));
    if (metadata?.Arn === undefined) return new Key(kms, alias, { hasAlias: false, rotates: false });
    if (metadata.KeyState !== "Enabled") {
      throw new StateError(
        `the key ${alias} is ${metadata.KeyState ?? "in no state"}, expected Enabled: see aws kms cancel-key-deletion and enable-key; nothing was changed`,
      );
    }
    const { KeyRotationEnabled: rotates = false } = await kms.send(
      new GetKeyRotationStatusCommand({ KeyId: metadata.Arn }),
    );
    return new Key(kms, alias, { arn: metadata.Arn, hasAlias: aliased !== undefined, rotates });
  }

  /** @param description what it encrypts */
  steps(description: string): Step[] {
    const { arn, hasAlias, rotates } = this.found;
    return [
      ...(arn === undefined
        ? [{ text: `make a key for ${description}`, run: () => this.make(description) }]
        : []),
      ...(rotates ? [] : [{ text: `rotate the key for ${description} each year`, run: () => this.rotate() }]),
      ...(hasAlias
        ? []
        : [{ text: `name the key for ${description} ${this.alias}`, run: () => this.name() }]),
    ];
  }

  private async make(description: string): Promise<void> {
    const { KeyMetadata: made } = await this.kms.send(
      new CreateKeyCommand({
        Description: `Encrypts ${description}`,
        Tags: [{ TagKey: aliasTag, TagValue: this.alias }],
      }),
    );
    this.arn = made?.Arn;
  }

  private async rotate(): Promise<void> {
    await this.kms.send(new EnableKeyRotationCommand({ KeyId: this.arn }));
  }

  private async name(): Promise<void> {
    await this.kms.send(new CreateAliasCommand({ AliasName: this.alias, TargetKeyId: this.arn }));
    // KMS takes a moment to know an alias everywhere, and the next step asks by it.
    for (let attempt = 0; attempt < 60; attempt += 1) {
      if ((await describe(this.kms, this.alias)) !== undefined) return;
      await sleep(1000);
    }
    throw new StateError(`KMS doesn't know ${this.alias} a minute after it was made: run it again`);
  }
}

async function describe(kms: KMSClient, keyId: string): Promise<KeyMetadata | undefined> {
  const answer = await unlessMissing(kms.send(new DescribeKeyCommand({ KeyId: keyId })), "NotFoundException");
  return answer?.KeyMetadata;
}

/** A key that was made for this alias by a run that came no further. */
async function unfinished(kms: KMSClient, alias: string): Promise<KeyMetadata | undefined> {
  for await (const { Keys: keys = [] } of paginateListKeys({ client: kms }, {})) {
    for (const { KeyId: keyId } of keys) {
      // Others' keys need not let themselves be looked at.
      const tags = await unlessMissing(
        kms.send(new ListResourceTagsCommand({ KeyId: keyId })),
        "AccessDeniedException",
        "NotFoundException",
      );
      const isMeant = tags?.Tags?.some(({ TagKey, TagValue }) => TagKey === aliasTag && TagValue === alias);
      if (isMeant !== true || keyId === undefined) continue;
      const metadata = await describe(kms, keyId);
      if (metadata?.KeyState === "Enabled") return metadata;
    }
  }
  return undefined;
}
