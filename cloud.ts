import { Provider } from "@pulumi/aws/provider";
import type { StackConfig } from "./config/parse";

/** Makes what a stack has in AWS. Loaded only where it has something there: the SDK takes its time. */
export function buildCloud({ platform: { aws } }: StackConfig): void {
  if (aws === undefined) return;
  const { account, region } = aws;
  new Provider("aws", {
    region,
    // Another account's credentials are refused before anything changes.
    allowedAccountIds: [account],
  });
}
