import { randomBytes } from "node:crypto";
import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { createOwnStepJob, deleteLeftStepJobs, deleteStepJob, waitForStep } from "../cluster/stepJobs";
import { whereabouts } from "../cluster/whereabouts";
import type { DatabaseConfig, StackConfig } from "../config/parse";
import { openClusterSession } from "../database/clusterSession";
import { DatabaseError, type DatabaseHost, type Shadow } from "../database/host";
import type { DatabaseAddress } from "../database/instance";
import type { SqlSession } from "../database/session";
import { type StepJobArgs, stepJob } from "../database/stepJob";
import { databaseOf } from "./databaseOf";
import { deleteLeft, sayDeleted } from "./deleteLeft";
import { type Project, readWanted } from "./project";
import type { Report } from "./report";
import { reason } from "../cluster/thrown";

export interface MigrateOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
  /** @default what the stack's own cluster has */
  readonly means?: Means;
}

/** How a target's database is found, and spoken with. */
export interface Means {
  readonly databaseOf: typeof databaseOf;
  readonly openSession: typeof openClusterSession;
}

const ofCluster: Means = { databaseOf, openSession: openClusterSession };

/** A target's database, and all that works on it. */
export interface MigrateContext {
  readonly target: RoutedTargetName;
  readonly config: StackConfig;
  readonly database: DatabaseConfig;
  readonly api: KubeApi;
  readonly namespace: string;
  readonly host: DatabaseHost;
  /** Has psql. */
  readonly client: string;
  readonly openSession: Means["openSession"];
}

/** @throws UsageError for a target without a database of its own, ConfigError, UnreachableError */
export async function migrateContext(
  target: RoutedTargetName,
  { project, means = ofCluster }: Pick<MigrateOptions, "project" | "means">,
  report: Report,
): Promise<MigrateContext> {
  const config = readWanted(project);
  const api = await KubeApi.connect(config.platform);
  const { host, image: client, namespace, ...database } = await means.databaseOf(target, config, api);
  report.note(whereabouts(project.stack, config.platform, api));
  return { target, config, database, api, namespace, host, client, openSession: means.openSession };
}

/** SQL as the admin, who sees what the service's roles don't. */
export function adminSession(
  { api, namespace, target, client, openSession }: MigrateContext,
  { address, signal }: { readonly address?: DatabaseAddress; readonly signal: AbortSignal },
): Promise<SqlSession> {
  return openSession(api, {
    namespace,
    image: client,
    target,
    role: "admin",
    ...(address && { address }),
    signal,
  });
}

/** Longer than any step should take; a Job whose command was killed ends by then. */
const longestSeconds = 6 * 3600;

/** Runs a step to its end, and leaves nothing of it. @throws DatabaseError with its last words */
export async function runStep(
  { api, namespace, target, client }: MigrateContext,
  step: Pick<StepJobArgs, "image" | "action" | "address" | "expected">,
  signal: AbortSignal,
): Promise<void> {
  const name = `${trialPrefix(target)}${randomBytes(4).toString("hex")}`;
  const job = stepJob({ ...step, name, namespace, target, client, deadlineSeconds: longestSeconds });
  signal.throwIfAborted();
  await createOwnStepJob(api, namespace, job);
  try {
    await waitForStep(api, { namespace, job: name, withinSeconds: longestSeconds, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new DatabaseError(reason(error));
  } finally {
    await deleteStepJob(api, namespace, name);
  }
}

function trialPrefix(target: RoutedTargetName): string {
  return `${target}-trial-`;
}

/**
 * Has a shadow of a new backup for as long as `work` takes, whatever becomes of it.
 * @param what the backup is for
 */
export async function withShadow<T>(
  context: MigrateContext,
  { what, report, signal }: { readonly what: string; readonly report: Report; readonly signal: AbortSignal },
  work: (
    shadow: Shadow,
    session: SqlSession,
    backup: { readonly label: string; readonly finishedAt: string },
  ) => Promise<T>,
): Promise<T> {
  const { host, database } = context;
  sayDeleted(await deleteLeftStepJobs(context.api, context.namespace, trialPrefix(context.target)), report);
  await deleteLeft({ ...context, instance: database.instance }, report);
  report.progress(`backing up ${database.instance}`);
  const { label, finishedAt } = await host.backUp(database.instance, what, signal);
  report.step(`backup ${label} finished, and can be read back`);
  report.progress("restoring it as a shadow");
  const shadow = await host.shadow(database.instance, { label, finishedAt }, signal);
  try {
    report.step(`shadow of that backup answers at ${shadow.address.host}:${shadow.address.port}`);
    const session = await adminSession(context, { address: shadow.address, signal });
    try {
      return await work(shadow, session, { label, finishedAt: finishedAt.toISOString() });
    } finally {
      await session.close();
    }
  } finally {
    await shadow.dispose();
    report.step("shadow deleted");
  }
}
