import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { StatePlace } from "./place";
import { StateError } from "./stateError";

// It warns of a Node that it will leave behind in 2027, in the middle of what the user reads.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

export interface Aws {
  readonly s3: S3Client;
  readonly kms: KMSClient;
}

/** The user's own credentials, once they have proved to be the account's. @throws StateError, nothing is changed */
export async function openAws(place: StatePlace): Promise<Aws> {
  await requireAccount(place);
  const { region } = place;
  return { s3: new S3Client({ region }), kms: new KMSClient({ region }) };
}

/** @throws StateError when the user's credentials are another account's, or none; nothing is changed */
export async function requireAccount({
  account,
  region,
}: Pick<StatePlace, "account" | "region">): Promise<void> {
  const found = await callerAccount(region);
  if (found !== account) {
    throw new StateError(
      `found credentials of the AWS account ${found}, expected those of ${account} (pyairtable:platform.aws); nothing was changed`,
    );
  }
}

async function callerAccount(region: string): Promise<string> {
  const sts = new STSClient({ region });
  try {
    const { Account: found = "(none)" } = await sts.send(new GetCallerIdentityCommand({}));
    return found;
  } catch (error) {
    throw new StateError(`${awsReason(error)}; nothing was changed`);
  } finally {
    sts.destroy();
  }
}

const reasons: readonly (readonly [names: RegExp, text: string])[] = [
  [/^(ExpiredToken|RequestExpired)/, "the AWS credentials have expired: log in again (aws sso login)"],
  [
    /^(InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch)/,
    "AWS doesn't accept these credentials: log in again, or see AWS_PROFILE",
  ],
  [/^(RequestTimeTooSkewed|InvalidSignature)/, "AWS finds this machine's clock wrong: set it"],
  [/^CredentialsProviderError/, "found no AWS credentials: log in (aws sso login), or see AWS_PROFILE"],
  [/^(AccessDenied|Forbidden)/, "these AWS credentials may not do that"],
];

/** What AWS, or the way to it, says is wrong, and what to do. */
export function awsReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, known] = reasons.find(([names]) => names.test(error.name)) ?? [];
  // What isn't AWS's own answer says enough: a network that fails, or another command.
  if (known === undefined) return "$fault" in error ? `AWS: ${error.name}: ${error.message}` : error.message;
  return /^(AccessDenied|Forbidden)/.test(error.name) ? `${known}: ${error.message}` : known;
}

/** What an answer says; undefined when AWS has nothing of that kind. */
export async function unlessMissing<T>(
  answer: Promise<T>,
  ...missing: readonly string[]
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && missing.includes(error.name)) return undefined;
    throw error;
  }
}
