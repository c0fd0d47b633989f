import type { RoutedTargetName } from "../catalog";
import type { AlertLabels, DATABASE, GuardAction, Indicator } from "./indicators";

/** What an alert looks at. */
export type Measure =
  /** An indicator of each backend. */
  | Exclude<Indicator, "requests" | "samples">
  /** Of the database as a whole. */
  | keyof typeof DATABASE
  /** What each pod of a release uses of its limits. */
  | "resources"
  | "userReports"
  /** Requests per second of all backends together, against the hour before. */
  | "traffic"
  | "image"
  | "split"
  | "soak";

/** What a threshold counts. */
export type Unit =
  /** 0 to 1. */
  | "ratio"
  /** Times the baseline that was measured on legacy. */
  | "baselines"
  /** Times more, or times less, than in the hour before. */
  | "hours before"
  | "reports"
  /** Of the database, that fail their checksum. */
  | "pages"
  /** Times the timing's scale, as every duration. */
  | "seconds";

/** When it is true. */
export type Condition =
  | { readonly kind: "above"; readonly threshold: number; readonly unit: Unit }
  /** A probe doesn't pass, or a connection isn't made. */
  | { readonly kind: "failing" }
  /** Nothing is compared: that it happened is the alert. */
  | { readonly kind: "event" };

export interface Alert {
  /** Its `alertname`. */
  readonly name: string;
  /** The plan's words. */
  readonly plan: string;
  readonly measure: Measure;
  readonly condition: Condition;
  /** How long it must have been true, in milliseconds, times the timing's scale; 0 is at once. */
  readonly forMs: number;
  /** Over which is counted, in milliseconds, times the timing's scale. @default the timing's window */
  readonly overMs?: number;
  /** What too few requests stand on doesn't count. */
  readonly needsSamples: boolean;
  readonly severity: AlertLabels["severity"];
  /** What the guard does; it rolls back on the plan's triggers alone. */
  readonly action?: GuardAction;
  /** Each backend, each extracted release, or the target as a whole. */
  readonly scope: "backends" | "colors" | "target";
  /** @default every target */
  readonly targets?: readonly RoutedTargetName[];
  /** What somebody who is woken reads first; Prometheus fills in the labels. */
  readonly summary: string;
  /** The page in docs/ that says what to do. */
  readonly runbook: string;
}

const minutes = 60_000;

/** Two evaluations in a row, so that one odd scrape moves nobody's traffic. */
const seenTwice = 5_000;
/** A warning is read within half an hour; what is over sooner isn't one. */
const lasting = 5 * minutes;
const sinceLately = 10 * minutes;

const backend = "{{ $labels.target }}: {{ $labels.backend }}";

/** The plan's automated rollback triggers, then its critical, warning and info alerts: the one place of their numbers. */
export const ALERTS = [
  {
    name: "HealthCheckFailing",
    plan: "Service health check failure >5 minutes",
    measure: "health",
    condition: { kind: "failing" },
    forMs: 5 * minutes,
    needsSamples: false,
    severity: "critical",
    action: "rollback",
    scope: "colors",
    summary: `${backend} has failed every health check for 5 minutes`,
    runbook: "alert-health.md",
  },
  {
    name: "ErrorRateTooHigh",
    plan: "Error rate >10% for any extracted service",
    measure: "errors",
    condition: { kind: "above", threshold: 0.1, unit: "ratio" },
    forMs: seenTwice,
    needsSamples: true,
    severity: "critical",
    action: "rollback",
    scope: "colors",
    summary: `${backend} fails {{ $value | humanizePercentage }} of its requests, more than 10 %`,
    runbook: "alert-errors.md",
  },
  {
    name: "LatencyTooHigh",
    plan: "Performance degradation >50% baseline",
    measure: "latency",
    condition: { kind: "above", threshold: 1.5, unit: "baselines" },
    forMs: seenTwice,
    needsSamples: true,
    severity: "critical",
    action: "rollback",
    scope: "colors",
    summary: `${backend} takes {{ $value | humanizeDuration }} per request, 50 % above legacy's baseline or more`,
    runbook: "alert-latency.md",
  },
  {
    name: "UserReportsTooMany",
    plan: "User-reported critical issues >3 in 10 minutes",
    measure: "userReports",
    condition: { kind: "above", threshold: 3, unit: "reports" },
    forMs: 0,
    overMs: 10 * minutes,
    needsSamples: false,
    severity: "critical",
    action: "rollback",
    scope: "target",
    summary: "{{ $labels.target }}: users reported {{ $value }} critical issues in 10 minutes",
    runbook: "alert-user-reports.md",
  },
  {
    name: "DatabaseConnectionsFailing",
    plan: "Database connection failures >1 minute",
    measure: "database",
    condition: { kind: "failing" },
    forMs: minutes,
    needsSamples: false,
    severity: "critical",
    action: "rollback",
    scope: "colors",
    summary: `${backend} has got no connection to its database for 1 minute`,
    runbook: "alert-database.md",
  },
  {
    name: "HealthCheckFailed",
    plan: "Any service health check failure",
    measure: "health",
    condition: { kind: "failing" },
    forMs: 0,
    needsSamples: false,
    severity: "critical",
    scope: "backends",
    summary: `${backend} fails its health check`,
    runbook: "alert-health.md",
  },
  {
    name: "DatabaseConnectionFailed",
    plan: "Database connection issues",
    measure: "database",
    condition: { kind: "failing" },
    forMs: 0,
    needsSamples: false,
    severity: "critical",
    scope: "backends",
    summary: `${backend} gets no connection to its database`,
    runbook: "alert-database.md",
  },
  {
    name: "DatabaseCorrupt",
    plan: "Data loss/corruption",
    measure: "checksums",
    condition: { kind: "above", threshold: 0, unit: "pages" },
    forMs: 0,
    needsSamples: false,
    severity: "critical",
    action: "read-only",
    scope: "target",
    summary: "{{ $labels.target }}: {{ $value }} pages of the database failed their checksum",
    runbook: "alert-database.md",
  },
  {
    name: "DatabaseArchiveBehind",
    plan: "Data loss/corruption",
    measure: "archive",
    condition: { kind: "above", threshold: 5 * 60, unit: "seconds" },
    forMs: 0,
    needsSamples: false,
    severity: "critical",
    scope: "target",
    summary:
      "{{ $labels.target }}: what was written to the database in the last {{ $value | humanizeDuration }} is in no archive",
    runbook: "alert-database.md",
  },
  {
    name: "AuthenticationErrors",
    plan: "Authentication system errors",
    measure: "errors",
    condition: { kind: "above", threshold: 0, unit: "ratio" },
    forMs: 0,
    needsSamples: false,
    severity: "critical",
    scope: "backends",
    targets: ["auth-service"],
    summary: `${backend} fails {{ $value | humanizePercentage }} of its requests`,
    runbook: "alert-errors.md",
  },
  {
    name: "UserReported",
    plan: "User-reported critical bugs",
    measure: "userReports",
    condition: { kind: "above", threshold: 0, unit: "reports" },
    forMs: 0,
    overMs: 10 * minutes,
    needsSamples: false,
    severity: "critical",
    scope: "target",
    summary: "{{ $labels.target }}: a user reported a critical issue",
    runbook: "alert-user-reports.md",
  },
  {
    name: "LatencyHigh",
    plan: "Performance degradation >20%",
    measure: "latency",
    condition: { kind: "above", threshold: 1.2, unit: "baselines" },
    forMs: lasting,
    needsSamples: true,
    severity: "warning",
    scope: "backends",
    summary: `${backend} takes {{ $value | humanizeDuration }} per request, 20 % above legacy's baseline or more`,
    runbook: "alert-latency.md",
  },
  {
    name: "ErrorRateHigh",
    plan: "Error rate increase >5%",
    measure: "errors",
    condition: { kind: "above", threshold: 0.05, unit: "ratio" },
    forMs: lasting,
    needsSamples: true,
    severity: "warning",
    scope: "backends",
    summary: `${backend} fails {{ $value | humanizePercentage }} of its requests, more than 5 %`,
    runbook: "alert-errors.md",
  },
  {
    name: "ResourcesNearLimit",
    plan: "Resource utilization >80%",
    measure: "resources",
    condition: { kind: "above", threshold: 0.8, unit: "ratio" },
    forMs: lasting,
    needsSamples: false,
    severity: "warning",
    scope: "colors",
    summary: `${backend} has a pod at {{ $value | humanizePercentage }} of its limit of {{ $labels.resource }}`,
    runbook: "alert-resources.md",
  },
  {
    name: "TrafficUnusual",
    plan: "Unusual traffic patterns",
    measure: "traffic",
    condition: { kind: "above", threshold: 2, unit: "hours before" },
    forMs: lasting,
    overMs: 60 * minutes,
    needsSamples: true,
    severity: "warning",
    scope: "target",
    summary: "{{ $labels.target }} gets less than half, or more than twice, the requests of the hour before",
    runbook: "alert-traffic.md",
  },
  {
    name: "DatabaseBackupOld",
    plan: "Full database backup before any migration step",
    measure: "backup",
    // Daily, and what a backup takes.
    condition: { kind: "above", threshold: 26 * 3_600, unit: "seconds" },
    forMs: lasting,
    needsSamples: false,
    severity: "warning",
    scope: "target",
    summary: "{{ $labels.target }}: the database's newest backup is {{ $value | humanizeDuration }} old",
    runbook: "alert-database.md",
  },
  {
    name: "Deployed",
    plan: "Successful deployments",
    measure: "image",
    condition: { kind: "event" },
    forMs: 0,
    overMs: sinceLately,
    needsSamples: false,
    severity: "info",
    scope: "colors",
    summary: `${backend} runs {{ $labels.image }} now`,
    runbook: "cutover.md",
  },
  {
    name: "TrafficMoved",
    plan: "Migration progress updates",
    measure: "split",
    condition: { kind: "event" },
    forMs: 0,
    overMs: sinceLately,
    needsSamples: false,
    severity: "info",
    scope: "target",
    summary: "{{ $labels.target }} is at {{ $labels.split }} now",
    runbook: "cutover.md",
  },
  {
    name: "SoakOver",
    plan: "Migration progress updates",
    measure: "soak",
    condition: { kind: "event" },
    forMs: 0,
    needsSamples: false,
    severity: "info",
    scope: "target",
    summary: "{{ $labels.target }} has soaked; legacy may be retired",
    runbook: "cutover.md",
  },
] as const satisfies readonly Alert[];

export type AlertName = (typeof ALERTS)[number]["name"];

const rows: readonly Alert[] = ALERTS;

/** What rolls a target back. */
export const TRIGGERS = rows.filter(({ action }) => action === "rollback");

/** The thresholds that evidence is held against. */
export function thresholdOf(name: AlertName): number {
  const { condition } = alertOf(name);
  if (condition.kind !== "above") throw new Error(`${name} has no threshold`);
  return condition.threshold;
}

/** How long it must have been true, in milliseconds, times the timing's scale. */
export function lastingOf(name: AlertName): number {
  return alertOf(name).forMs;
}

function alertOf(name: AlertName): Alert {
  const alert = rows.find((each) => each.name === name);
  if (alert === undefined) throw new Error(`no alert ${name}`);
  return alert;
}
