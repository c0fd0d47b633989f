import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { readObject } from "../../cluster/objects";
import { deleteStepEvidence, readStepEvidence } from "../../cluster/stepEvidence";
import { readStepJobs } from "../../cluster/stepJobs";
import { editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import { parseStackFile } from "../../config/stackFile";
import { openClusterSession } from "../../database/clusterSession";
import type { StepEvidence } from "../../database/evidence";
import { fingerprintOf } from "../../database/fingerprint";
import { firstInstance } from "../../database/instance";
import type { DatabaseRole } from "../../database/roles";
import type { SqlSession } from "../../database/session";
import { giveLegacyItsDatabase } from "../../local/legacyDatabase";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { postgresqlImage } from "../../local/platform/databaseImages";
import { ALL_LEGACY } from "../../migration";
import { type CutoverResult, cutover } from "../e2e/cutoverCommand";
import { eventually } from "../e2e/prometheus";
import { stackOnLegacy, succeeded } from "../e2e/world";
import { namespace } from "../faults/agreement";
import { RequestLog } from "../faults/requestLog";
import { type Missed, Writers } from "../faults/writers";
import { type ApiProxy, startApiProxy } from "../support/apiProxy";
import { isOwnPod, podNames, podsPath } from "./clusterDatabase";

export const target = "auth-service";
export const instancePod = `${firstInstance(target)}-0`;
/** Where the step's image is wanted in the stack file. */
const migrationKey = ["config", `pyairtable:${target}`, "database", "migration"];
export const capacityKey = ["config", `pyairtable:${target}`, "capacity"];
/** Who writes meanwhile. */
export const writing = { target, writers: 6, pauseMs: 100 } as const;

/** What a step waits for a lock at most, and then gives up (database/access.ts), with room for the rest of a write. */
export const longestStallMs = 4000;

export function stepImage(tag: string): string {
  return `localhost/pyairtable-${target}-migrations:${tag}`;
}

/** The stack file that needs this step; none with undefined. */
export function needing(text: string, tag: string | undefined): string {
  if (tag !== undefined) return editStackFile(text, migrationKey, stepImage(tag));
  const isThere = parseStackFile(text).targets[target].database?.migration !== undefined;
  return isThere ? removeFromStackFile(text, migrationKey) : text;
}

/** A target's data, which users write all the time, through whichever backend answers. */
export class DataScene {
  writers = new Writers(writing);
  /** What the last trial of the step has found. */
  tried: StepEvidence | undefined;
  /** This scene's own sessions, and what was there before it. */
  private othersPods: readonly string[] = [];

  private constructor(
    readonly stack: LocalStack,
    readonly api: KubeApi,
    readonly requests: RequestLog,
    /** What is to be watched goes through it. */
    readonly proxy: ApiProxy,
    readonly owner: SqlSession,
    readonly legacy: SqlSession,
    /** Sees what the service's roles don't. */
    readonly admin: SqlSession,
  ) {}

  /** All on legacy, with the first step applied. @param name of the stack's folder */
  static async create(name: string): Promise<DataScene> {
    process.env["KUBECONFIG"] = adminKubeconfig;
    const api = await KubeApi.connect({});
    const stack = await stackOnLegacy(name);
    await stack.git("config", "user.name", name);
    await stack.git("config", "user.email", `${name}@localhost`);
    const requests = new RequestLog();
    const proxy = await startApiProxy({ kubeconfig: adminKubeconfig, onRequest: requests.judge });
    const as = (role: DatabaseRole | "admin"): Promise<SqlSession> =>
      openClusterSession(api, { namespace, image: postgresqlImage, target, role });
    const [owner, legacy, admin] = await Promise.all([as("owner"), as("legacy"), as("admin")]);
    const scene = new DataScene(stack, api, requests, proxy, owner, legacy, admin);
    scene.othersPods = await podNames(api);
    await owner.run("DROP TABLE IF EXISTS records, goose_db_version");
    // What an earlier scene has tried would be taken for tried here.
    const evidence = (await readStepEvidence(api, namespace)).get(target) ?? [];
    for (const each of evidence) await deleteStepEvidence(api, namespace, target, each);
    await scene.needs("1");
    prepared(await scene.migrate("--prepare", "--json"));
    succeeded(await stack.up());
    await giveLegacyItsDatabase(api, target);
    scene.writers.start();
    return scene;
  }

  /** As it is before a way, whatever one that was broken off has left. @throws Error when that can't be had */
  async restore(tag: string): Promise<void> {
    await this.commit("all on legacy", (text) =>
      setTraffic(editStackFile(needing(text, undefined), capacityKey, 1), target, ALL_LEGACY),
    );
    await this.stack.pulumi(["cancel", "--yes", "--stack", "local"]);
    succeeded(await this.stack.up({ refresh: true }));
    const tried = await this.evidenceOf(tag);
    if (tried === undefined || (await this.schema()) === tried.before) return;
    const { code, stderr } = await this.migrate("--down", "--yes");
    if (code !== 0) throw new Error(`the step can't be taken back: ${stderr}`);
  }

  /** Leaves the stack as it is. */
  async close(): Promise<void> {
    try {
      await this.writers.stop();
    } finally {
      this.writers.close();
      await this.proxy.close();
      await Promise.all([this.owner.close(), this.legacy.close(), this.admin.close()]);
    }
  }

  /** What was written so far counts no more, and isn't there any more. */
  async forget(): Promise<void> {
    await this.writers.stop();
    this.writers.close();
    await this.owner.run("TRUNCATE records");
    this.writers = new Writers(writing);
    this.writers.start();
  }

  /** What is wrong with what is there: nobody writes meanwhile. */
  async missed(): Promise<Missed> {
    await this.writers.stop();
    const rows = await this.owner.rows("SELECT number FROM records", z.object({ number: z.int() }));
    const missed = this.writers.missed(rows.map(({ number }) => number));
    this.writers.start();
    return missed;
  }

  /** A commit, if it changes anything. */
  async commit(message: string, edit: (text: string) => string): Promise<void> {
    const text = this.stack.readStackFile();
    if (edit(text) !== text) await this.stack.commit(`${target}: ${message}`, edit);
  }

  needs(tag: string | undefined): Promise<void> {
    return this.commit(tag === undefined ? "no step" : `step ${tag}`, (text) => needing(text, tag));
  }

  migrate(...args: readonly string[]): Promise<CutoverResult> {
    return cutover(this.stack, ["migrate", target, ...args]);
  }

  /** The schema's fingerprint. */
  schema(): Promise<string> {
    return fingerprintOf(this.admin);
  }

  /** Of a step's trial. */
  async evidenceOf(tag: string): Promise<StepEvidence | undefined> {
    const all = (await readStepEvidence(this.api, namespace)).get(target) ?? [];
    return all.find(({ image }) => image === stepImage(tag));
  }

  /** What commands have made for themselves, and should have deleted. */
  async leftovers(): Promise<readonly string[]> {
    const [pods, jobs] = await Promise.all([podNames(this.api), readStepJobs(this.api, namespace)]);
    const isTrial = (name: string): boolean => name.startsWith(`${target}-trial-`);
    return [
      ...pods.filter((name) => !this.othersPods.includes(name) && (isOwnPod(name) || isTrial(name))),
      ...[...jobs.keys()].filter(isTrial),
    ];
  }

  /**
   * A new pod for the instance: of one whose PostgreSQL was killed before, the kubelet restarts it later each time, up to
   * five minutes.
   */
  async renewInstance(): Promise<void> {
    await this.writers.stop();
    const before = await this.readInstance();
    await this.api.ask(podsPath(instancePod), { method: "DELETE" });
    await eventually(
      () => this.readInstance(),
      (pod) => pod?.metadata.uid !== before?.metadata.uid && isReady(pod),
      90,
    );
    this.writers.start();
  }

  private readInstance(): Promise<z.infer<typeof podSchema> | undefined> {
    return readObject(this.api, podsPath(instancePod), podSchema);
  }
}

/** What kind of step it was found to be. @throws AssertionError with what the command said, if it wasn't prepared */
export function prepared({
  code,
  stdout,
  stderr,
}: CutoverResult): z.infer<typeof preparedSchema>["evidence"] {
  if (code !== 0) throw new Error(`cutover migrate --prepare ended with ${String(code)}: ${stderr}`);
  return preparedSchema.parse(JSON.parse(stdout)).evidence;
}

const preparedSchema = z.object({
  evidence: z.object({ kind: z.string(), reversible: z.boolean() }),
});

function isReady(pod: z.infer<typeof podSchema> | undefined): boolean {
  return pod?.status.conditions.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

const podSchema = z.object({
  metadata: z.object({ uid: z.string() }),
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});
