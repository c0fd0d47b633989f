import type { RoutedTargetName } from "../catalog";
import type { DatabaseRole } from "./roles";

/**
 * The name that a target's database is reached by, whichever instance it lives in: a Service in the stack's namespace.
 * A restore switches where it leads; no pod changes for that.
 */
export function serviceName(target: RoutedTargetName): string {
  return `${target}-database`;
}

/** The instance that a target starts with; a restore makes another beside it. */
export function firstInstance(target: RoutedTargetName): string {
  return `${target}-postgresql`;
}

/** What an instance that a restore has made says of itself: of which one, at which moment. */
export function restoredAs(instance: string, to: Date): string {
  return `${instance} at ${to.toISOString()}`;
}

/** The Secret that holds the standard libpq environment (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD) of a role. */
export function credentialsName(target: RoutedTargetName, role: DatabaseRole | "admin"): string {
  return `${target}-database-${role}`;
}

/** Where one instance is reached inside the cluster. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the image has PostgreSQL's programs: as Debian does. */
export const binaries = "/usr/lib/postgresql/15/bin";
