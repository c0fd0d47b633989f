import type { RoutedTargetName } from "../catalog";
import type { Backend } from "../migration";

/**
 * What is measured of each backend, alike for legacy, blue and green: recorded series with the labels `target` and
 * `backend`. Requests, errors and latency are the gateway's, health is that of probes from outside.
 */
export const SERIES = {
  /** Requests per second over the window. */
  requests: "target_backend:requests:rate",
  /** Requests in the window: how many samples the other indicators stand on. */
  samples: "target_backend:requests:increase",
  /** Share of answers with status 5xx over the window, 0 to 1; absent without requests. */
  errors: "target_backend:errors:ratio",
  /** Mean over the window, in seconds; absent without requests. */
  latency: "target_backend:latency_seconds:mean",
  /** 1 if the last probe succeeded, else 0; absent when nobody probes. */
  health: "target_backend:health:last",
  /** 1 if the last connection to the database as this backend's role succeeded, else 0; absent where nobody tries. */
  database: "target_backend:database:last",
} as const;

/** What is wanted, as the config said in the last update: recorded beside what is measured. */
export const WANTED = {
  /** Percent, with the labels `target` and `backend`. */
  split: "target_backend:split:wanted",
  /** 1 for each colour that runs, with the label `image` besides. */
  image: "target_backend:image:wanted",
  /** Since when the target has its split, in Unix seconds, with the labels `target` and `split`. */
  since: "target:split:since",
} as const;

/** What the fullest pod uses of its limit, 0 to 1, with the labels `target`, `backend` and `resource` (cpu or memory). */
export const RESOURCES = "target_backend:resource:ratio";

/** Requests per second of all the target's backends, with the label `target`. */
export const TRAFFIC = "target:requests:rate";

/** What is measured of a target's database as a whole, with the label `target`. */
export const DATABASE = {
  /** Pages that failed their checksum since PostgreSQL's statistics began. */
  checksums: "target:database_checksum_failures:sum",
  /** How long the oldest finished WAL segment has been waiting for its archive, in seconds; 0 when none waits. */
  archive: "target:database_archive_waiting_seconds:max",
  /** How long ago the newest backup was finished, in seconds; where there is none yet, since PostgreSQL was started. */
  backup: "target:database_backup_age_seconds:min",
} as const;

export type Indicator = keyof typeof SERIES;

/** Critical issues that users report, counted by the guard, with the label `target`. */
export const USER_REPORTS = "pyairtable_user_reports_total";

/** What every alert carries besides `alertname`. */
export interface AlertLabels {
  readonly target: RoutedTargetName;
  /** Absent where the alert is of the whole target. */
  readonly backend?: Backend;
  readonly severity: "critical" | "warning" | "info";
  /** What the guard does: only on the plan's triggers it rolls back. */
  readonly action?: GuardAction;
}

/** `rollback`: moves the target's traffic back. `read-only`: lets none of its backends write any more. */
export type GuardAction = "rollback" | "read-only";
