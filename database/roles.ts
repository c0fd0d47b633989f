import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";

/**
 * Who connects to a target's database: the steps of its schema, each backend by itself, and what watches it, which is a
 * member of PostgreSQL's `pg_monitor` and reads no table.
 */
export type DatabaseRole = "owner" | "monitor" | Backend;

/** The database of a target, in whichever instance: PostgreSQL's own word for it. */
export function databaseName(target: RoutedTargetName): string {
  return target.replaceAll("-", "_");
}

/** `auth_service_blue` */
export function roleName(target: RoutedTargetName, role: DatabaseRole): string {
  return `${databaseName(target)}_${role}`;
}

/**
 * What the backends' roles are members of, and get their privileges from: always the reader; the writer as long as the
 * mode is read-write. Leaving it is one statement, and counts for the next statement of sessions that are open.
 */
export function groupName(target: RoutedTargetName, group: "reader" | "writer"): string {
  return `${databaseName(target)}_${group}`;
}
