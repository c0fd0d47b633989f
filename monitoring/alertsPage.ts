import type { GuardAction } from "./indicators";
import { duration } from "./promql";
import { ALERTS, type Alert, type Measure, type Unit } from "./table";
import { timingOf } from "./timing";

const { scrapeMs, windowMs, minimumSamples } = timingOf();

/** The table of docs/alerts.md, as rows of cells. */
export function alertsTable(): readonly (readonly string[])[] {
  const rows: readonly Alert[] = ALERTS;
  return [
    ["alert", "the plan says", "true when", "of", "tells", "do"],
    ...rows.map((alert) => [
      `\`${alert.name}\``,
      alert.plan,
      trueWhen(alert),
      alert.targets?.join(", ") ??
        { backends: "each backend", colors: "each release", target: "the target" }[alert.scope],
      alert.action === undefined
        ? told[alert.severity]
        : `**the guard, which ${acts[alert.action]}**, and somebody`,
      `[${alert.runbook.replace(/\.md$/, "")}](${alert.runbook})`,
    ]),
  ];
}

const told: Readonly<Record<Alert["severity"], string>> = {
  critical: "somebody, at once",
  warning: "somebody, within 30 minutes",
  info: "whoever reads along",
};

const acts: Readonly<Record<GuardAction, string>> = {
  rollback: "rolls back",
  "read-only": "lets nothing be written any more",
};

const what: Readonly<Record<Measure, string>> = {
  errors: "the share of answers with 5xx",
  latency: "the mean time to answer",
  health: "the health check fails",
  database: "no connection to the database is made",
  checksums: "what the database reads",
  archive: "what waits for the database's archive",
  backup: "the age of the database's newest backup",
  resources: "CPU or memory of the fullest pod, of its limit,",
  userReports: "users' reports of something critical",
  traffic: "requests per second, up or down,",
  image: "a new image runs",
  split: "traffic has moved",
  soak: "the soak is over, and legacy still stands by",
};

const units: Readonly<Record<Unit, (threshold: number) => string>> = {
  ratio: (threshold) => `${threshold * 100} %`,
  baselines: (threshold) => `${threshold} times legacy's baseline`,
  "hours before": (threshold) => `${threshold} times the hour before`,
  reports: (threshold) => `${threshold} in 10 minutes`,
  pages: (threshold) => `${threshold} pages with a wrong checksum`,
  seconds: (threshold) => duration(threshold * 1_000),
};

function trueWhen({ condition, measure, forMs, needsSamples }: Alert): string {
  if (condition.kind === "event") return what[measure];
  const above = condition.kind === "above" ? ` above ${units[condition.unit](condition.threshold)}` : "";
  const enough = needsSamples ? `, of ${minimumSamples} requests or more` : "";
  const held = forMs === scrapeMs ? ", twice in a row" : forMs > 0 ? `, for ${duration(forMs)}` : "";
  return `${what[measure]}${above}${enough}${held}`;
}

/** Of the page too: how often is looked, and over how long. */
export const lookedAt = `Every ${duration(scrapeMs)}, over the last ${duration(windowMs)}`;
