import { Provider } from "@pulumi/aws/provider";
import { catalogEntry, routedTargets } from "./catalog";
import { ImageRegistry } from "./components/imageRegistry";
import type { StackConfig } from "./config/parse";

/** Makes what a stack has in AWS. Loaded only where it has something there: the SDK takes its time. */
export function buildCloud({ platform: { aws }, registry }: StackConfig): void {
  if (aws === undefined) return;
  const { account, region } = aws;
  const provider = new Provider("aws", {
    region,
    // Another account's credentials are refused before anything changes.
    allowedAccountIds: [account],
  });
  if (registry?.pulledBy !== undefined) {
    const targets = routedTargets.map(catalogEntry);
    new ImageRegistry("registry", { targets, pulledBy: registry.pulledBy }, { provider });
  }
}
