import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type KubeApi, UnreachableError } from "../cluster/kubeApi";
import { readObject } from "../cluster/objects";
import { type OwnPod, deleteLeftPods, deleteOwnPod, startOwnPod } from "../cluster/ownPod";
import { collectInPod, runInPod } from "../cluster/podExec";
import { newestTransaction, newestTransactionScript } from "./archivedLog";
import { databasePort, instanceContainers } from "./clusterInstance";
import { type RepositoryAccess, withRepository } from "./clusterRepository";
import {
  type Backup,
  DatabaseError,
  type DatabaseHost,
  type Recoverable,
  type Restored,
  type Shadow,
} from "./host";
import { binaries, restoredAs } from "./instance";
import {
  type CallPgBackRest,
  asOf,
  backUpFully,
  damageIn,
  listBackups,
  untilEnd,
  untilTime,
} from "./pgBackRest";
import { RestoredClaim } from "./restoredClaim";
import { type Instance, instanceSchema, labelsOfCopies, noData, restoredPod } from "./restoredPod";

/** A restore takes as long as there is data; whoever waits can stop. */
const restoredWithinSeconds = 12 * 3600;
/** For a server to put away its log; one that hangs must not hold up a restore. */
const archivedWithinSeconds = 120;
/** For a server to end by itself. */
const graceSeconds = 30;

/** PostgreSQL in the cluster, kept by pgBackRest in the instance's own pod. */
export class ClusterHost implements DatabaseHost {
  constructor(
    private readonly api: KubeApi,
    private readonly namespace: string,
  ) {}

  backUp(instance: string, name: string, signal: AbortSignal): Promise<Backup> {
    const call: CallPgBackRest = (args, each) =>
      collectInPod(this.api, {
        ...this.backupOf(instance),
        command: ["pgbackrest", ...args],
        ...(each && { signal: each }),
      }).catch((error: unknown) => {
        throw notRunning(instance, error);
      });
    return backUpFully(call, name, signal);
  }

  backups(instance: string): Promise<readonly Backup[]> {
    return this.inRepository(instance, ({ call }) => listBackups(pgBackRestBy(call)));
  }

  async shadow(instance: string, backup: Backup, signal: AbortSignal): Promise<Shadow> {
    const name = `${instance}-shadow-${randomBytes(3).toString("hex")}`;
    const { namespace } = this;
    const of = { instance, name, namespace, data: noData, restore: asOf(backup) };
    const host = await this.start(restoredPod(await this.read(instance), of), signal);
    return {
      address: { host, port: databasePort },
      dispose: () => deleteOwnPod(this.api, this.namespace, name),
    };
  }

  recoverable(instance: string): Promise<Recoverable | undefined> {
    return this.inRepository(instance, async ({ call, instead }) => {
      const from = await oldestIn(call);
      if (from === undefined) return undefined;
      const { exitCode, output, errors } = await call(["sh", "-c", nowScript]);
      if (exitCode === 0) return { from, to: new Date(Number(output) * 1000) };
      const unanswered = instead ?? firstLine(errors) ?? "it gives no answer";
      return { from, to: await newestIn(call, from), unanswered };
    });
  }

  async isRestored(instance: string, to: Date, as: string): Promise<boolean> {
    return (await this.claimOf(instance, to, as)).found === "done";
  }

  async restore(instance: string, to: Date, as: string, signal: AbortSignal): Promise<Restored> {
    const { namespace } = this;
    await this.requireNone(as);
    const like = await this.read(instance);
    const claim = await this.claimOf(instance, to, as);
    const restore = claim.found === "done" ? undefined : await this.optionsFor(instance, to, signal);
    await claim.make(like);
    const name = `${as}-restore`;
    const data = { persistentVolumeClaim: { claimName: claim.name } };
    const pod = restoredPod(like, { instance, name, namespace, data, ...(restore && { restore }) });
    let host: string;
    try {
      host = await this.start(pod, signal);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      // What somebody has stopped can go on; what fails is of no use to anybody.
      await claim.discard();
      throw new DatabaseError([error.message, ...(await this.damageOf(instance, signal))].join("; "));
    }
    await claim.markDone();
    const handOver = (): Promise<void> => deleteOwnPod(this.api, namespace, name, graceSeconds);
    return { address: { host, port: databasePort }, handOver };
  }

  async deleteLeft(instance: string): Promise<readonly string[]> {
    return deleteLeftPods(this.api, this.namespace, labelsOfCopies(await this.read(instance), instance));
  }

  private claimOf(instance: string, to: Date, as: string): Promise<RestoredClaim> {
    const what = restoredAs(instance, to);
    return RestoredClaim.find(this.api, { namespace: this.namespace, instance, as, what });
  }

  /** What a restore that failed doesn't tell. */
  private damageOf(instance: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.inRepository(instance, ({ call }) => damageIn(pgBackRestBy(call), signal)).catch(() => []);
  }

  private inRepository<T>(instance: string, use: (access: RepositoryAccess) => Promise<T>): Promise<T> {
    const { namespace } = this;
    return withRepository(this.api, { namespace, instance, read: () => this.read(instance) }, use);
  }

  private backupOf(instance: string) {
    return { namespace: this.namespace, pod: `${instance}-0`, container: instanceContainers.backup };
  }

  private async read(instance: string): Promise<Instance> {
    const found = await readObject(this.api, this.instancePath(instance), instanceSchema);
    if (found !== undefined) return found;
    throw new DatabaseError(
      `${instance}: found no such instance in ${this.namespace}, expected one that was made`,
    );
  }

  private async requireNone(as: string): Promise<void> {
    if ((await readObject(this.api, this.instancePath(as), z.unknown())) === undefined) return;
    throw new DatabaseError(
      `${as}: found an instance of this name that runs, expected none; nothing was changed`,
    );
  }

  /** @returns the address of the pod once its server takes writes. @throws DatabaseError with the pod's own reasons */
  private async start(pod: OwnPod, signal: AbortSignal): Promise<string> {
    const { name } = pod.metadata;
    const command = ["sh", "-c", clusterStateScript];
    const isDone = (): Promise<boolean> =>
      runInPod(this.api, {
        namespace: this.namespace,
        pod: name,
        container: instanceContainers.server,
        command,
      }).then(
        (state) => state.includes("in production"),
        // Its pod tells why.
        () => false,
      );
    try {
      return await startOwnPod(this.api, pod, { withinSeconds: restoredWithinSeconds, isDone, signal });
    } catch (error) {
      if (signal.aborted || error instanceof UnreachableError || !(error instanceof Error)) throw error;
      throw new DatabaseError(`the backup can't be restored: ${error.message}`);
    }
  }

  /**
   * How pgBackRest gets to that moment. PostgreSQL knows that it has come far enough by what was committed later; where
   * there is nothing later, as the server can't be asked any more, the end of the log is the moment.
   * @throws DatabaseError when the log doesn't go so far
   */
  private async optionsFor(instance: string, to: Date, signal: AbortSignal): Promise<readonly string[]> {
    const why = await this.whyNotArchived(instance, signal);
    if (why === undefined) return untilTime(to);
    const newest = await this.inRepository(instance, async ({ call }) => {
      const from = await oldestIn(call);
      return from && newestIn(call, from);
    });
    if (newest === undefined || to > newest) {
      throw new DatabaseError(
        `${instance}: found its log put away until ${newest?.toISOString() ?? "its first backup, which isn't made yet"}, expected it until ${to.toISOString()}: the rest can't be put away (${why}); nothing was changed`,
      );
    }
    return to < newest ? untilTime(to) : untilEnd;
  }

  /**
   * Has all that was committed until now put away: the log that is being written goes to the repository too, and has a
   * commit after it. @returns why that can't be done
   */
  private async whyNotArchived(instance: string, signal: AbortSignal): Promise<string | undefined> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(archivedWithinSeconds * 1000)]);
    const run = (command: readonly string[]): Promise<string> =>
      runInPod(this.api, { ...this.backupOf(instance), command, signal: bounded });
    try {
      await run(["sh", "-c", commitScript]);
      await run(["pgbackrest", "check"]);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return firstLine(error instanceof Error ? error.message : String(error)) ?? "it says nothing";
    }
  }

  private instancePath(name: string): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/statefulsets/${name}`;
  }
}

function pgBackRestBy(call: RepositoryAccess["call"]): CallPgBackRest {
  return (args) => call(["pgbackrest", ...args]);
}

/** When the oldest backup was finished. */
async function oldestIn(call: RepositoryAccess["call"]): Promise<Date | undefined> {
  return (await listBackups(pgBackRestBy(call))).at(-1)?.finishedAt;
}

/** Until when the log in the repository goes, which begins with a backup. @throws DatabaseError */
async function newestIn(call: RepositoryAccess["call"], from: Date): Promise<Date> {
  const { exitCode, output, errors } = await call(["sh", "-c", newestTransactionScript(binaries)]);
  if (exitCode !== 0) {
    throw new DatabaseError(`the log in the repository can't be read: ${errors.trim()}`);
  }
  const newest = newestTransaction(output);
  return newest !== undefined && newest > from ? newest : from;
}

function notRunning(instance: string, error: unknown): Error {
  if (!(error instanceof UnreachableError)) return error instanceof Error ? error : new Error(String(error));
  return new DatabaseError(`${instance}: it can't be backed up, expected its pod to run: ${error.message}`);
}

function firstLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.replace(/^psql: error: /, "").trim())
    .find((line) => line !== "");
}

const clusterStateScript = `${binaries}/pg_controldata "$PGBACKREST_PG1_PATH"`;

/** A server that hangs takes connections and answers none. */
function asked(options: string, sql: string): string {
  return `exec timeout 15 ${binaries}/psql --no-psqlrc --quiet ${options} --host="$PGBACKREST_PG1_SOCKET_PATH" --command="${sql}"`;
}

const nowScript = asked("--no-align --tuples-only", "SELECT extract(epoch FROM now())");
const commitScript = asked("--output=/dev/null", "SELECT pg_current_xact_id()");
