import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Context } from "mocha";
import { freePort } from "./registry";

/** A real PostgreSQL of a test's own, on a free port of 127.0.0.1. */
export interface TestPostgresql {
  readonly host: string;
  readonly port: number;
  /** Needs no password there; all others do. */
  readonly superuser: string;
  /** Ends as if the power had failed, and comes up again with what it had promised to keep. */
  crash(): Promise<void>;
  /** From now on it is started again whenever it has ended by itself, as the kubelet does. */
  restartAsKubeletDoes(): { readonly restarts: number };
  stop(): Promise<void>;
}

/** Starts one; a suite that has none is skipped, and says so. */
export async function startPostgresqlOrSkip(
  context: Context,
  settings: Settings = {},
  disk?: string,
): Promise<TestPostgresql> {
  if (process.env["POSTGRESQL_BIN"] === undefined) {
    console.log("    skipped: POSTGRESQL_BIN doesn't name the folder of initdb and postgres");
    return context.skip();
  }
  return startPostgresql(settings, disk);
}

type Settings = Readonly<Record<string, string>>;

/**
 * PostgreSQL 15 as the stack runs it: data checksums, pg_stat_statements.
 * @param settings of postgresql.conf
 * @param disk where its folder is to be
 */
export async function startPostgresql(settings: Settings = {}, disk = os.tmpdir()): Promise<TestPostgresql> {
  const folder = fs.mkdtempSync(path.join(disk, "postgresql-"));
  const data = path.join(folder, "data");
  const [initdb, initdbArgs] = unprivileged("initdb", [
    ...[`--pgdata=${data}`, `--username=${superuser}`, "--auth=trust", "--encoding=UTF8"],
    ...["--locale=C.UTF-8", "--data-checksums", "--no-sync", "--no-instructions"],
  ]);
  await promisify(execFile)(initdb, initdbArgs);
  fs.writeFileSync(path.join(data, "pg_hba.conf"), hostBasedAuthentication);
  return servePostgresql(folder, settings);
}

/** The same, of what is in the folder's `data` already; it is gone in the end. */
export async function servePostgresql(folder: string, settings: Settings = {}): Promise<TestPostgresql> {
  const data = path.join(folder, "data");
  const log = path.join(folder, "log");
  const port = await freePort();
  const options = Object.entries({
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: folder,
    shared_preload_libraries: "pg_stat_statements",
    ...settings,
  }).map(([name, value]) => `--${name}=${value}`);
  const start = (): ChildProcess => {
    const [postgres, args] = unprivileged("postgres", ["-D", data, ...options]);
    const descriptor = fs.openSync(log, "a");
    const started = spawn(postgres, args, { stdio: ["ignore", descriptor, descriptor] });
    fs.closeSync(descriptor);
    return started;
  };
  let server = start();
  await isReady(server, port, log);
  let isWanted = true;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (hasEnded(server)) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  };
  return {
    host,
    port,
    superuser,
    async crash() {
      // PostgreSQL's immediate shutdown: nothing in memory is written.
      await end("SIGQUIT");
      server = start();
      await isReady(server, port, log);
    },
    restartAsKubeletDoes() {
      const told = { restarts: 0 };
      const attend = async (): Promise<void> => {
        for (;;) {
          if (!hasEnded(server)) await once(server, "exit");
          await sleep(backOff);
          if (!isWanted) return;
          told.restarts += 1;
          server = start();
        }
      };
      void attend();
      return told;
    },
    async stop() {
      isWanted = false;
      await end("SIGINT");
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

const host = "127.0.0.1";
const superuser = "postgres";
/** Between an end and the next start, in milliseconds: the kubelet's is longer, and grows. */
const backOff = 300;
const hostBasedAuthentication = `
local all all trust
host all ${superuser} ${host}/32 trust
host all all ${host}/32 scram-sha-256
`;

/**
 * A command of the server, which refuses to be root's. In a namespace where root has another number it is still root's
 * own files that it reads: the tools are below root's home. It ends with the test.
 */
function unprivileged(name: string, args: readonly string[]): [string, string[]] {
  const command = path.join(process.env["POSTGRESQL_BIN"] ?? "", name);
  const prefix = process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=nobody", "--"] : [];
  return ["setpriv", ["--pdeathsig=KILL", ...prefix, command, ...args]];
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function isReady(server: ChildProcess, port: number, log: string): Promise<void> {
  const command = path.join(process.env["POSTGRESQL_BIN"] ?? "", "pg_isready");
  for (let tries = 0; tries < 300; tries++) {
    if (server.exitCode !== null) break;
    try {
      await promisify(execFile)(command, ["--quiet", `--host=${host}`, `--port=${port}`]);
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`PostgreSQL isn't ready:\n${fs.readFileSync(log, "utf8")}`);
}
