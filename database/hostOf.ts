import type { KubeApi } from "../cluster/kubeApi";
import { ClusterHost } from "./clusterHost";
import type { DatabaseHost } from "./host";

/** Where a stack's databases live, as its config says. */
export interface Place {
  readonly namespace: string;
  readonly postgresql: { readonly in: "cluster" | "aws" };
  readonly aws?: { readonly account: string; readonly region: string } | undefined;
}

/** What keeps a stack's instances. */
export async function hostOf(api: KubeApi, { namespace, postgresql, aws }: Place): Promise<DatabaseHost> {
  if (postgresql.in === "cluster" || aws === undefined) {
    return new ClusterHost(api, namespace);
  }
  // Only who has AWS loads its SDK.
  const { RdsHost } = await import("./rds.js");
  return RdsHost.open(aws);
}
