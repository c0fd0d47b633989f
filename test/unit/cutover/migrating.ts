import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { mock } from "node:test";
import { stringify } from "yaml";
import { z } from "zod";
import { databaseOf } from "../../../cutover/databaseOf";
import type { ExitCode } from "../../../cutover/exitCodes";
import type { MigrateOptions } from "../../../cutover/migrateContext";
import type { Project } from "../../../cutover/project";
import { reason } from "../../../cluster/thrown";
import type { StepEvidence } from "../../../database/evidence";
import { DatabaseError, type DatabaseHost } from "../../../database/host";
import { databaseName, roleName } from "../../../database/roles";
import type { SqlSession } from "../../../database/session";
import type { StepAction } from "../../../database/trial";
import type { TestPostgresql } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";
import { stackFile } from "../config/stackFile";
import { type Asked, type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { kubeconfig, withKubeconfig } from "../support/kubeconfig";

export const target = "auth-service";
export const instance = `${target}-postgresql`;
export const image = (letter: string): string => `registry/migrations@sha256:${letter.repeat(64)}`;

const madeBy = "pyairtable.dev/made-by";
const live = databaseName(target);
const owner = roleName(target, "owner");
const password = "owner's own";
const namespace = "pyairtable";
const batch = `/apis/batch/v1/namespaces/${namespace}/jobs`;
const core = `/api/v1/namespaces/${namespace}`;

interface TestJob {
  state: "running" | "succeeded" | "failed";
  log: string;
  /** Which command has made it, as of `pods`; none for the stack's own. */
  readonly mark?: string;
}

/** What a step's image would run. */
export type Step = Readonly<Record<StepAction, string>>;

export interface Ended {
  readonly code: ExitCode;
  readonly stdout: string;
}

type MigrateCommand = (wanted: typeof target, options: MigrateOptions) => Promise<ExitCode>;

/**
 * All that `cutover migrate` works on: real databases of a real PostgreSQL, where a shadow is a copy of one; in place of
 * the cluster what its API server would answer, and a host that makes the copies.
 */
export class Migrating {
  /** What the host was asked for, in order. */
  readonly calls: string[] = [];
  readonly jobs = new Map<string, TestJob>();
  readonly evidence = new Map<string, { labels: Record<string, string>; text: string }>();
  /** Which command has made each: `host pid time`. */
  readonly pods = new Map<string, string | undefined>();
  readonly leftShadows: string[] = [];
  openSessions = 0;
  step: Step = { up: "SELECT 1", down: "SELECT 1" };
  /** Called before each; what it throws is the host's own failure. */
  onHost: (what: "back up" | "shadow") => void = () => undefined;
  /** @returns whether the Job is to run; otherwise it goes on for ever. */
  onJob: (action: StepAction, where: "shadow" | "primary") => boolean = () => true;
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "migrating-"));
  private shadows = 0;
  private constructor(
    private readonly server: TestPostgresql,
    private readonly api: { stub?: HttpStub },
  ) {}

  static async start(server: TestPostgresql): Promise<Migrating> {
    const made = new Migrating(server, {});
    made.api.stub = await startHttpStub((asked) => made.answer(asked));
    return made;
  }

  /** The primary has nothing but `schema`. */
  async reset(schema: string): Promise<void> {
    const admin = this.sql("postgres");
    await admin.run(`DROP DATABASE IF EXISTS ${live} WITH (FORCE); DROP ROLE IF EXISTS ${owner};`);
    await admin.run(`CREATE ROLE ${owner} LOGIN PASSWORD '${password.replace("'", "''")}'`);
    await admin.run(`CREATE DATABASE ${live} OWNER ${owner}`);
    await this.asOwner(live).run(schema);
  }

  async stop(): Promise<void> {
    await this.api.stub?.close();
    fs.rmSync(this.dir, { recursive: true });
  }

  /** With the primary's database, as the admin. */
  get primary(): SqlSession {
    return this.sql(live);
  }

  /** What the API server was asked to change. */
  get changes(): readonly string[] {
    return (this.api.stub?.asked ?? [])
      .filter(({ method }) => method !== "GET")
      .map(({ method, path: where }) => `${method} ${where}`);
  }

  /** What `--prepare` has left. */
  get prepared(): readonly StepEvidence[] {
    const known = z.custom<StepEvidence>((value) => typeof value === "object");
    return [...this.evidence.values()].map(({ text }) => known.parse(JSON.parse(text)));
  }

  project(migration?: string): Project {
    const platform = { environment: "local" };
    const postgresql = { in: "cluster", image: image("d"), storageGi: 1 };
    const database = { password: "a".repeat(20), ...(migration !== undefined && { migration }) };
    const configFile = path.join(this.dir, "Pulumi.test.yaml");
    fs.writeFileSync(
      configFile,
      stringify({ config: stackFile({ platform, postgresql, [target]: { database } }) }),
    );
    return { stack: "test", dir: this.dir, configFile };
  }

  /** With what the process is told of where the cluster is. */
  inCluster<T>(use: () => Promise<T>): Promise<T> {
    return withKubeconfig(kubeconfig(this.api.stub?.origin ?? ""), use);
  }

  /** Runs a command, and returns how it ends and what it says on stdout. */
  async run(command: MigrateCommand, project: Project, flags: Partial<MigrateOptions> = {}): Promise<Ended> {
    const { signal } = new AbortController();
    const options = {
      project,
      json: false,
      dryRun: false,
      yes: false,
      signal,
      means: this.means(),
      ...flags,
    };
    let code: ExitCode = 0;
    const stdout = await saidOn("stdout", () =>
      saidOn("stderr", () => this.inCluster(async () => (code = await command(target, options)))),
    );
    return { code, stdout };
  }

  async shadowsLeft(): Promise<number> {
    const left = "SELECT datname FROM pg_database WHERE datname LIKE 'shadow%'";
    return (await this.sql("postgres").rows(left, z.unknown())).length;
  }

  private means(): NonNullable<MigrateOptions["means"]> {
    return {
      databaseOf: async (...args) => ({ ...(await databaseOf(...args)), host: this.host() }),
      openSession: (_api, { address }) => {
        this.openSessions += 1;
        const session = this.sql(address === undefined ? live : address.host);
        const close = (): Promise<void> => {
          this.openSessions -= 1;
          return session.close();
        };
        return Promise.resolve({
          rows: (sql, schema) => session.rows(sql, schema),
          run: (sql) => session.run(sql),
          lines: (sql) => session.lines(sql),
          close,
        });
      },
    };
  }

  private host(): DatabaseHost {
    const never = (): never => {
      throw new Error("cutover migrate has no use for it");
    };
    return {
      backUp: (of, name, signal) => {
        this.calls.push(`back up ${of} for ${name}`);
        this.onHost("back up");
        signal.throwIfAborted();
        return Promise.resolve({ label: "full-1", finishedAt: new Date("2026-01-02T03:04:05Z") });
      },
      shadow: async (of, { label }, signal) => {
        this.calls.push(`shadow of ${of}'s ${label}`);
        this.onHost("shadow");
        signal.throwIfAborted();
        const host = `shadow_${(this.shadows += 1)}`;
        await this.sql("postgres").run(`CREATE DATABASE ${host} TEMPLATE ${live} OWNER ${owner}`);
        return {
          address: { host, port: 5432 },
          dispose: async () => {
            this.calls.push("dispose");
            await this.sql("postgres").run(`DROP DATABASE ${host} WITH (FORCE)`);
          },
        };
      },
      backups: never,
      deleteLeft: () => Promise.resolve(this.leftShadows.splice(0)),
      recoverable: never,
      isRestored: never,
      restore: never,
    };
  }

  private answer({ method, path: asked, body }: Asked): Reply | undefined {
    const { pathname, searchParams } = new URL(asked, "http://cluster");
    const [collection, name = ""] = split(pathname);
    if (collection === batch) return this.answerJobs(method, name, body);
    if (collection === `${core}/configmaps`) return this.answerEvidence(method, name, body);
    if (pathname.endsWith("/log")) return { body: this.jobs.get(name)?.log ?? "" };
    if (collection !== `${core}/pods`) return undefined;
    if (method === "DELETE") return this.pods.delete(name) ? { body: {} } : undefined;
    const job = searchParams.get("labelSelector")?.replace("job-name=", "") ?? "";
    if (this.jobs.get(job)?.state === "failed") return { body: { items: [failedPod(job)] } };
    const pods = [...this.pods].map(([pod, mark]) => ({
      metadata: { name: pod, ...(mark && { annotations: { [madeBy]: mark } }) },
    }));
    return { body: { items: pods } };
  }

  private answerJobs(method: string, name: string, body: string): Reply | undefined {
    if (method === "POST") {
      this.startJob(body);
      return { status: 201, body: {} };
    }
    if (method === "DELETE") return this.jobs.delete(name) ? { body: {} } : undefined;
    const all = [...this.jobs].map(([each, job]) => jobObject(each, job));
    if (name === "") return { body: { items: all } };
    const found = all.find(({ metadata }) => metadata.name === name);
    return found && { body: found };
  }

  /** In a cluster the Job's containers connect; here what its image would run is run. */
  private startJob(body: string): void {
    const { metadata, spec } = jobSchema.parse(JSON.parse(body));
    const containers = [...spec.template.spec.initContainers, ...spec.template.spec.containers];
    const step = containers.find(({ name }) => name === "step");
    const action = z.enum(["up", "down"]).parse(step?.args?.[0]);
    const shadow = step?.env.find(({ name }) => name === "PGHOST")?.value;
    const mark = metadata.annotations[madeBy];
    const job: TestJob = { state: "running", log: "", ...(mark !== undefined && { mark }) };
    this.jobs.set(metadata.name, job);
    const where = shadow === undefined ? "primary" : "shadow";
    this.calls.push(`${action} on the ${where}`);
    if (!this.onJob(action, where)) return;
    this.asOwner(shadow ?? live)
      .run(this.step[action])
      .then(
        () => (job.state = "succeeded"),
        (error: unknown) => Object.assign(job, { state: "failed", log: reason(error) }),
      );
  }

  private answerEvidence(method: string, name: string, body: string): Reply | undefined {
    if (method === "PATCH") {
      const { metadata, data } = evidenceSchema.parse(JSON.parse(body));
      this.evidence.set(name, { labels: metadata.labels, text: data["evidence.json"] });
      return { status: 201, body: {} };
    }
    if (method === "DELETE") return this.evidence.delete(name) ? { body: {} } : undefined;
    const items = [...this.evidence].map(([each, { labels, text }]) => ({
      metadata: { name: each, labels },
      data: { "evidence.json": text },
    }));
    return { body: { items } };
  }

  private sql(database: string): SqlSession {
    const { host, port, superuser } = this.server;
    return openPsqlSession({ host, port, user: superuser, database });
  }

  private asOwner(database: string): SqlSession {
    const { host, port } = this.server;
    return openPsqlSession({ host, port, user: owner, password, database });
  }
}

/** Which of an instance's backups can't be read back. */
export function doesNotVerify(): never {
  throw new DatabaseError("the backup full-1 can't be read back: checksum error in base/5/1259");
}

/** What is written there while `use` runs; nothing of it is shown. */
async function saidOn(stream: "stdout" | "stderr", use: () => Promise<unknown>): Promise<string> {
  let said = "";
  const write = mock.method(process[stream], "write", (text: string | Uint8Array): boolean => {
    said += text.toString();
    return true;
  });
  try {
    await use();
  } finally {
    write.mock.restore();
  }
  return said;
}

function split(pathname: string): string[] {
  const found = /^(.*\/(?:jobs|configmaps|pods))(?:\/([^/]+))?/.exec(pathname);
  return [found?.[1] ?? "", found?.[2] ?? ""];
}

function jobObject(name: string, { state, mark }: TestJob): { metadata: { name: string }; status: object } {
  const types = new Map([
    ["succeeded", "Complete"],
    ["failed", "Failed"],
  ]);
  const type = types.get(state);
  const conditions = type === undefined ? [] : [{ type, status: "True", message: "Job has ended" }];
  return { metadata: { name, ...(mark && { annotations: { [madeBy]: mark } }) }, status: { conditions } };
}

function failedPod(name: string): object {
  const failed = { name: "step", state: { terminated: { exitCode: 1 } } };
  return {
    metadata: { name, creationTimestamp: "2026-01-02T03:04:05Z" },
    status: { initContainerStatuses: [], containerStatuses: [failed] },
  };
}

const containers = z.array(
  z.object({
    name: z.string(),
    args: z.array(z.string()).optional(),
    env: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
);
const jobSchema = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()) }),
  spec: z.object({
    template: z.object({ spec: z.object({ initContainers: containers, containers }) }),
  }),
});
const evidenceSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  data: z.object({ "evidence.json": z.string() }),
});
