import type { RoutedTargetName } from "../catalog";
import { databaseRole, targetLabels } from "../cluster/names";
import { restrictedContainer, restrictedPodOf } from "../cluster/restricted";
import { binaries } from "./instance";
import { adminUser } from "./password";

/** PostgreSQL in the cluster: one pod, with its backups beside it. */
export interface ClusterInstance {
  readonly target: RoutedTargetName;
  readonly instance: string;
  /** PostgreSQL and pgBackRest where Debian has them. */
  readonly image: string;
  readonly storageGi: number;
  readonly maxConnections: number;
  /** Not in use: it lets no backend in, and sessions that were open end, so that their pools turn to the one in use. */
  readonly kept: boolean;
}

export const databasePort = 5432;

/** Of one instance's pod; a Service that selects these leads to it. */
export function instanceLabels(target: RoutedTargetName, instance: string): Record<string, string> {
  return { ...targetLabels(target), "app.kubernetes.io/instance": instance, ...databaseRole };
}

/** Where the volumes and files are in an instance's containers. */
const instancePaths = {
  data: "/data",
  /** Below the volume, whose own folder has the wrong permissions. */
  pgdata: "/data/pgdata",
  repository: "/repository",
  socket: "/run/postgresql",
  config: "/config",
} as const;

/** Of the volumes that an instance is made with, `<claim>-<instance>-0` each: what is there already is used. */
export const instanceClaims = { data: "data", repository: "repository" } as const;

/** The containers of its pod. */
export const instanceContainers = { server: "postgresql", backup: "backup" } as const;

/** The image's `postgres`: PostgreSQL asks for its user's name, and refuses to be root. */
const user = 999;

/** What makes volumes on the local stack. */
const storageClassName = "local-path";

/** Calls of pgBackRest need no other arguments, in any container that has these. */
const pgBackRestEnvironment = {
  PGBACKREST_STANZA: "main",
  PGBACKREST_PG1_PATH: instancePaths.pgdata,
  PGBACKREST_PG1_SOCKET_PATH: instancePaths.socket,
  PGBACKREST_REPO1_PATH: instancePaths.repository,
  // One a day.
  PGBACKREST_REPO1_RETENTION_FULL: "7",
  // A backup that is asked for begins now, not at PostgreSQL's next checkpoint.
  PGBACKREST_START_FAST: "y",
  PGBACKREST_LOG_LEVEL_FILE: "off",
  PGBACKREST_LOG_LEVEL_CONSOLE: "warn",
  PGBACKREST_LOCK_PATH: "/tmp/pgbackrest",
  PGBACKREST_SPOOL_PATH: "/tmp/pgbackrest",
} as const;

/** The files below `instancePaths.config`. */
export function instanceFiles({ maxConnections, kept }: Pick<ClusterInstance, "maxConnections" | "kept">) {
  const backends = kept
    ? `host all ${adminUser} all scram-sha-256\nhost all all all reject\n`
    : "host all all all scram-sha-256\n";
  return {
    "postgresql.conf": settings(maxConnections),
    // Nobody but the two containers sees the socket.
    "pg_hba.conf": `local all all trust\n${backends}`,
    "start.sh": startScript,
    "backup.sh": backupScript,
  };
}

function settings(maxConnections: number): string {
  const values = {
    listen_addresses: "*",
    port: databasePort,
    unix_socket_directories: instancePaths.socket,
    max_connections: maxConnections,
    shared_preload_libraries: "pg_stat_statements",
    archive_mode: "on",
    archive_command: "pgbackrest archive-push %p",
    // The most that is lost with the volume.
    archive_timeout: "60s",
    // A statement can hold what nobody may read.
    log_statement: "none",
    log_min_error_statement: "panic",
  };
  return Object.entries(values)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join("");
}

const startScript = `# Starts PostgreSQL on the volume's data, which it makes where there has never been any.
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  if [ -e "$PGBACKREST_REPO1_PATH/backup/$PGBACKREST_STANZA/backup.info" ]; then
    echo "found no data in $PGDATA, expected that of which $PGBACKREST_REPO1_PATH has backups: cutover restore" >&2
    exit 1
  fi
  rm -rf "$PGDATA.new"
  ${binaries}/initdb --pgdata="$PGDATA.new" --username=${adminUser} --data-checksums \\
    --encoding=UTF8 --locale=C.UTF-8 --auth=trust --no-instructions
  mv "$PGDATA.new" "$PGDATA"
fi
exec ${binaries}/postgres -D "$PGDATA" \\
  -c config_file=${instancePaths.config}/postgresql.conf -c hba_file=${instancePaths.config}/pg_hba.conf "$@"
`;

const backupScript = `# Sets the admin's password, and keeps a full backup of each day; the log is archived by PostgreSQL itself.
set -eu
trap 'exit 0' TERM
mkdir -p /tmp/pgbackrest
psql() { ${binaries}/psql --no-psqlrc --quiet --no-align --tuples-only --host=${instancePaths.socket} "$@"; }
# Until a restore has reached its end, nothing can be written.
until [ "$(psql --command='SELECT pg_is_in_recovery()' 2>/dev/null)" = f ]; do sleep 1; done
psql --set=ON_ERROR_STOP=1 <<'END'
\\getenv verifier ADMIN_VERIFIER
ALTER ROLE ${adminUser} PASSWORD :'verifier';
END
done="${instancePaths.repository}/full-backup-done"
while :; do
  if [ -z "$(find "$done" -mmin -1440 2>/dev/null)" ] && pgbackrest stanza-create && pgbackrest --type=full backup; then
    touch "$done"
  fi
  # In the background, so that the end isn't waited for.
  sleep 60 & wait $!
done
`;

/** The ConfigMap of the files, and the Secret with ADMIN_VERIFIER. */
export interface InstanceSources<Name> {
  readonly files: Name;
  readonly admin: Name;
}

/** The pod of an instance. @param Name what the platform that makes it calls a name */
export function instancePod<Name>(
  { target, instance, image }: Pick<ClusterInstance, "target" | "instance" | "image">,
  { files, admin }: InstanceSources<Name>,
) {
  const env = Object.entries({
    ...pgBackRestEnvironment,
    PGDATA: instancePaths.pgdata,
    PGUSER: adminUser,
    PGDATABASE: "postgres",
  }).map(([name, value]) => ({ name, value }));
  const container = {
    image,
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: instanceClaims.data, mountPath: instancePaths.data },
      { name: instanceClaims.repository, mountPath: instancePaths.repository },
      { name: "socket", mountPath: instancePaths.socket },
      { name: "tmp", mountPath: "/tmp" },
      { name: "files", mountPath: instancePaths.config, readOnly: true },
    ],
  };
  const asks = (command: string[]) => ({ exec: { command } });
  const isReady = [`${binaries}/pg_isready`, "--quiet", "--host=127.0.0.1"];
  return {
    metadata: { labels: instanceLabels(target, instance) },
    spec: {
      ...restrictedPodOf(user),
      // Until sessions have ended and the last of the log is archived.
      terminationGracePeriodSeconds: 60,
      initContainers: [
        {
          ...container,
          name: instanceContainers.backup,
          // Beside the other for all its life, and ended after it.
          restartPolicy: "Always",
          command: ["/bin/sh", `${instancePaths.config}/backup.sh`],
          env: [
            ...env,
            {
              name: "ADMIN_VERIFIER",
              valueFrom: { secretKeyRef: { name: admin, key: "ADMIN_VERIFIER" } },
            },
          ],
          resources: {
            requests: { cpu: "10m", memory: "64Mi" },
            limits: { cpu: "1", memory: "512Mi" },
          },
        },
      ],
      containers: [
        {
          ...container,
          name: instanceContainers.server,
          command: ["/bin/sh", `${instancePaths.config}/start.sh`],
          env,
          ports: [{ name: "postgresql", containerPort: databasePort }],
          startupProbe: { ...asks(isReady), periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 300 },
          readinessProbe: { ...asks(isReady), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 },
          livenessProbe: { ...asks(isReady), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
          // Fast shutdown; Kubernetes' own signal would wait for every session to end by itself.
          lifecycle: { preStop: asks(["/bin/sh", "-c", "kill -INT 1"]) },
          resources: {
            requests: { cpu: "50m", memory: "128Mi" },
            limits: { cpu: "1", memory: "512Mi" },
          },
        },
      ],
      volumes: [
        { name: "socket", emptyDir: {} },
        { name: "tmp", emptyDir: {} },
        { name: "files", configMap: { name: files } },
      ],
    },
  };
}

/** A volume of an instance. */
export function instanceClaim(
  claim: string,
  { target, instance, storageGi }: Pick<ClusterInstance, "target" | "instance" | "storageGi">,
) {
  return {
    metadata: { name: claim, labels: instanceLabels(target, instance) },
    spec: {
      storageClassName,
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: `${storageGi}Gi` } },
    },
  };
}
