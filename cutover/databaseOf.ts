import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import type { DatabaseConfig, StackConfig } from "../config/parse";
import type { DatabaseHost } from "../database/host";
import { hostOf } from "../database/hostOf";
import { UsageError } from "./project";

/** A target's database, and what keeps it. */
export interface KeptDatabase extends DatabaseConfig {
  readonly host: DatabaseHost;
  /** Has PostgreSQL's programs, for sessions. */
  readonly image: string;
  readonly namespace: string;
}

/** What the file says of a target's database. @throws UsageError if the target has none */
export function configuredDatabase(
  target: RoutedTargetName,
  { targets, postgresql }: Pick<StackConfig, "targets" | "postgresql">,
): { readonly database: DatabaseConfig; readonly postgresql: NonNullable<StackConfig["postgresql"]> } {
  const { database } = targets[target];
  if (database !== undefined && postgresql !== undefined) return { database, postgresql };
  throw new UsageError(`found no pyairtable:${target}.database in the stack file, expected it`);
}

/** @throws UsageError if the target has none */
export async function databaseOf(
  target: RoutedTargetName,
  config: StackConfig,
  api: KubeApi,
): Promise<KeptDatabase> {
  const { database, postgresql } = configuredDatabase(target, config);
  const { namespace, aws } = config.platform;
  const host = await hostOf(api, { namespace, postgresql, aws });
  return { ...database, host, image: postgresql.image, namespace };
}
