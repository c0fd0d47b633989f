import { randomBytes } from "node:crypto";
import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { databaseClientRole, targetLabels } from "../cluster/names";
import { deleteLeftPods, deleteOwnPod, startOwnPod } from "../cluster/ownPod";
import { startInPod } from "../cluster/podExec";
import { restrictedContainer, restrictedPod } from "../cluster/restricted";
import { type DatabaseAddress, binaries, credentialsName } from "./instance";
import { type DatabaseRole, databaseName } from "./roles";
import { PsqlSession, type SqlSession, psqlArguments, psqlEnvironment } from "./session";

export interface ClusterSession {
  readonly namespace: string;
  /** Has PostgreSQL's own programs where Debian has them. */
  readonly image: string;
  readonly target: RoutedTargetName;
  /** Whose credentials it uses; they are read by the pod only. */
  readonly role: DatabaseRole | "admin";
  /** Another instance than the one that the credentials lead to: a shadow, or a restored one. @default theirs */
  readonly address?: DatabaseAddress;
  readonly signal?: AbortSignal;
}

const readyWithinSeconds = 120;
/** A pod whose command was killed ends by itself after this. */
const longestSeconds = 12 * 3600;

/** SQL with a target's database from outside the cluster: psql in a pod that lives as long as the session. */
export async function openClusterSession(api: KubeApi, wanted: ClusterSession): Promise<SqlSession> {
  const { namespace, image, target, role, address, signal } = wanted;
  const pod = `${target}-sql-${randomBytes(4).toString("hex")}`;
  const env = {
    ...psqlEnvironment,
    // The admin's own is another.
    PGDATABASE: databaseName(target),
    ...(address && { PGHOST: address.host, PGPORT: String(address.port) }),
  };
  await startOwnPod(
    api,
    {
      metadata: { name: pod, namespace, labels: labelsOf(target) },
      spec: {
        ...restrictedPod,
        restartPolicy: "Never",
        activeDeadlineSeconds: longestSeconds,
        containers: [
          {
            name: "psql",
            image,
            command: ["sleep", String(longestSeconds)],
            envFrom: [{ secretRef: { name: credentialsName(target, role) } }],
            env: Object.entries(env).map(([name, value]) => ({ name, value })),
            resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "256Mi" } },
            securityContext: restrictedContainer,
          },
        ],
      },
    },
    { withinSeconds: readyWithinSeconds, ...(signal && { signal }) },
  );
  const psql = [`${binaries}/psql`, ...psqlArguments];
  return new PsqlSession(
    (sql) =>
      startInPod(api, {
        namespace,
        pod,
        container: "psql",
        command: psql,
        input: sql,
        ...(signal && { signal }),
      }),
    () => deleteOwnPod(api, namespace, pod),
  );
}

/** Deletes what commands have left that were killed while they had a session. @returns the names of the pods */
export function deleteLeftSessions(
  api: KubeApi,
  namespace: string,
  target: RoutedTargetName,
): Promise<readonly string[]> {
  return deleteLeftPods(api, namespace, labelsOf(target));
}

function labelsOf(target: RoutedTargetName): Record<string, string> {
  return { ...targetLabels(target), ...databaseClientRole };
}
