import type { RouteRecord } from "./routeRecord";
import { formatTime } from "./time";

/** How far the migration as a whole has come. */
export type MigrationState =
  /** Some target isn't extracted. */
  | { readonly kind: "migrating" }
  /** All are, and watched for the plan's week. */
  | { readonly kind: "watching"; readonly until: Date }
  | { readonly kind: "complete" };

const watchMilliseconds = 7 * 24 * 3_600_000;

/**
 * @param records of all routed targets; undefined for one without a route that can be believed
 * @param owner of the shared resources, which are extracted with it
 */
export function migrationState(
  records: readonly (RouteRecord | undefined)[],
  owner: "terraform" | "pulumi",
  now: Date,
): MigrationState {
  const ends = records.flatMap((record) => (record?.legacy === "retired" ? [record] : []));
  if (owner !== "pulumi" || ends.length < records.length) return { kind: "migrating" };
  const last = Math.max(...ends.map(({ retiredAt, since }) => (retiredAt ?? since).getTime()));
  const until = new Date(last + watchMilliseconds);
  return now < until ? { kind: "watching", until } : { kind: "complete" };
}

/** For people: `watching until 2025-09-08T09:00:00Z`. */
export function formatMigrationState(state: MigrationState): string {
  return state.kind === "watching" ? `watching until ${formatTime(state.until)}` : state.kind;
}
