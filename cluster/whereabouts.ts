import type { KubeApi } from "./kubeApi";
import type { WantedCluster } from "./kubeconfig";

/** Which account and cluster an update is about to change, in one line: `stack local: cluster 127.0.0.1:6443, …`. */
export function whereabouts(
  stack: string,
  { aws, cluster }: WantedCluster,
  { context, host }: Pick<KubeApi, "context" | "host">,
): string {
  const account = aws && `account ${aws.account}, ${aws.region}, `;
  return `stack ${stack}: ${account ?? ""}cluster ${cluster?.eks ?? host}, context ${context}`;
}
