import type { StackConfig } from "../config/parse";

/** Names of all that holds a stack's state. Fixed, so that nobody has to be told them. */
export interface StatePlace {
  readonly account: string;
  readonly region: string;
  /** All stacks of an account share it: production reads what staging has proven. */
  readonly bucket: string;
  /** Encrypts the bucket. */
  readonly bucketKeyAlias: string;
  /** Encrypts the secrets of this stack alone: who may read one stack's can't read another's. */
  readonly stackKeyAlias: string;
  /** For `PULUMI_BACKEND_URL`. */
  readonly backendUrl: string;
  /** For `--secrets-provider`. */
  readonly secretsProvider: string;
}

export function statePlace(
  { account, region }: NonNullable<StackConfig["platform"]["aws"]>,
  stack: string,
): StatePlace {
  const bucket = `pyairtable-state-${account}`;
  const stackKeyAlias = `alias/pyairtable-${stack}`;
  return {
    account,
    region,
    bucket,
    bucketKeyAlias: "alias/pyairtable-state",
    stackKeyAlias,
    backendUrl: `s3://${bucket}?region=${region}`,
    secretsProvider: `awskms://${stackKeyAlias}?region=${region}`,
  };
}
