import type { RoutedTargetName } from "../catalog";
import { databasePort } from "../database/clusterInstance";
import { serviceName } from "../database/instance";
import { databaseName } from "../database/roles";
import { BACKENDS, type Backend } from "../migration";
import { series } from "./promql";
import type { Timing } from "./timing";

/** One of the two exporters of a database, and where it answers. */
export interface Exporter {
  /** Of its port; 15 characters at most. */
  readonly portName: string;
  readonly port: number;
  readonly path: string;
}

/** Prometheus' exporter for PostgreSQL, twice: one tries to connect, the other reads what PostgreSQL counts. */
export const EXPORTERS = {
  /** Connects anew each time that it is asked. */
  connections: { portName: "connections", port: 9187, path: "/probe" },
  data: { portName: "data", port: 9188, path: "/metrics" },
} as const satisfies Readonly<Record<string, Exporter>>;

/** A question for an exporter, and whose the answer is. */
export interface Scrape {
  readonly exporter: Exporter;
  readonly params: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** All that is asked of a target's exporters: whether each backend's role can connect, and about the data. */
export function databaseScrapes(target: RoutedTargetName): readonly Scrape[] {
  const address = `${serviceName(target)}:${databasePort}/${databaseName(target)}`;
  return [
    ...BACKENDS.map((backend) => ({
      exporter: EXPORTERS.connections,
      params: { target: address, auth_module: backend },
      labels: { target, backend },
    })),
    { exporter: EXPORTERS.data, params: {}, labels: { target } },
  ];
}

/** Whether the last connection was made: 1 or 0. */
export function connectionSamples(target: RoutedTargetName, backend: Backend): string {
  return series("pg_up", { target, backend });
}

/** What the queries below tell of a target's database. */
export function dataSamples(target: RoutedTargetName) {
  return {
    checksumFailures: series("pyairtable_database_checksum_failures", { target }),
    archiveWaiting: series("pyairtable_database_archive_waiting_seconds", { target }),
    backupFinished: series("pyairtable_database_backup_finished_seconds", { target }),
  };
}

export type TlsMode = "disable" | "require";

/** Who a role is to PostgreSQL. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The configuration of the exporter that connects: with it, it holds passwords. */
export function connectionsConfig(
  logins: Readonly<Record<Backend, Login>>,
  { tls, timing }: { readonly tls: TlsMode; readonly timing: Timing },
): object {
  // Whole seconds. It waits one more before it says that it failed, and Prometheus must still be listening.
  const patience = Math.max(1, Math.floor((timing.scrapeMs * 0.6) / 1_000));
  const options = { sslmode: tls, connect_timeout: String(patience) };
  return {
    auth_modules: Object.fromEntries(
      BACKENDS.map((backend) => [backend, { type: "userpass", userpass: logins[backend], options }]),
    ),
  };
}

/** What the other exporter asks PostgreSQL. RDS archives and backs up by itself, and tells of it elsewhere. */
export function dataQueries(host: "cluster" | "aws"): object {
  return {
    pyairtable_database_checksum: gauge(
      "failures",
      "Pages that failed their checksum",
      "SELECT coalesce(sum(checksum_failures), 0) AS failures FROM pg_stat_database",
    ),
    ...(host === "cluster" && {
      // PostgreSQL keeps a file that says `ready` for each finished segment until it is archived.
      pyairtable_database_archive: gauge(
        "waiting_seconds",
        "How long the oldest finished WAL segment has been waiting for its archive",
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(modification)), 0) AS waiting_seconds FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'",
      ),
      // The end of a backup is a file too, which stays until the next one's.
      pyairtable_database_backup: gauge(
        "finished_seconds",
        "When the newest backup was finished; before the first one, when PostgreSQL was started",
        "SELECT extract(epoch FROM coalesce(max(modification), pg_postmaster_start_time())) AS finished_seconds FROM pg_ls_archive_statusdir() WHERE name ~ '[.]backup[.](ready|done)$'",
      ),
    }),
  };
}

function gauge(column: string, description: string, query: string): object {
  return { query, metrics: [{ [column]: { usage: "GAUGE", description } }] };
}

/** All that the exporter collects by itself, which nobody here asks for. */
const ownCollectors = [
  "database",
  "locks",
  "replication",
  "replication_slot",
  "roles",
  "stat_bgwriter",
  "stat_database",
  "stat_user_tables",
  "statio_user_tables",
  "wal",
];

/** The exporter's arguments besides those that say where its files are. */
export function exporterArgs({ port }: Exporter): readonly string[] {
  return [
    `--web.listen-address=:${port}`,
    "--disable-default-metrics",
    "--disable-settings-metrics",
    ...ownCollectors.map((each) => `--no-collector.${each}`),
    "--log.level=warn",
  ];
}
