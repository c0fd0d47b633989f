import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { deleteLeftSessions } from "../database/clusterSession";
import type { DatabaseHost } from "../database/host";
import type { Report } from "./report";

export interface LeftOf {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly target: RoutedTargetName;
  readonly host: Pick<DatabaseHost, "deleteLeft">;
  readonly instance: string;
}

/** Deletes what commands that were killed have left of a target's database, and says so. */
export async function deleteLeft(
  { api, namespace, target, host, instance }: LeftOf,
  report: Report,
): Promise<void> {
  const copies = await host.deleteLeft(instance);
  const sessions = await deleteLeftSessions(api, namespace, target);
  sayDeleted([...copies, ...sessions], report);
}

export function sayDeleted(names: readonly string[], report: Report): void {
  for (const name of names) report.step(`deleted ${name}, which an earlier command left`);
}
