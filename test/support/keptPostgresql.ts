import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import type { CallPgBackRest } from "../../database/pgBackRest";
import type { SqlSession } from "../../database/session";
import { type TestPostgresql, servePostgresql, startPostgresql } from "./postgresql";
import { openPsqlSession } from "./psqlSession";

/** A PostgreSQL whose log goes into a repository of pgBackRest's, as an instance's does. */
export interface KeptPostgresql {
  readonly sql: SqlSession;
  readonly repository: string;
  /** As the instance's own pod calls it. */
  readonly call: CallPgBackRest;
  /** A server of what pgBackRest restores with these options. @throws Error with its words when it can't */
  restored(options: readonly string[]): Promise<TestPostgresql>;
  stop(): Promise<void>;
}

export async function startKeptPostgresql(): Promise<KeptPostgresql> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pgbackrest-"));
  const repository = path.join(folder, "repository");
  fs.mkdirSync(repository);
  const pgBackRest = path.join(process.env["POSTGRESQL_BIN"] ?? "", "pgbackrest");
  const settled = {
    PGBACKREST_STANZA: "main",
    PGBACKREST_REPO1_PATH: repository,
    PGBACKREST_LOCK_PATH: path.join(folder, "lock"),
    PGBACKREST_LOG_LEVEL_FILE: "off",
    PGBACKREST_START_FAST: "y",
  };
  const assignments = Object.entries(settled).map(([name, value]) => `${name}=${value}`);
  const server = await startPostgresql({
    archive_mode: "on",
    // Its working folder is the data's.
    archive_command: `env ${assignments.join(" ")} ${pgBackRest} --pg1-path="$PWD" archive-push %p`,
  });
  const sql = openPsqlSession({ host: server.host, port: server.port, user: server.superuser });
  const [{ data } = { data: "" }] = await sql.rows(
    "SELECT current_setting('data_directory') AS data",
    z.object({ data: z.string() }),
  );
  // As in an instance's pod: what doesn't concern a command is no error in its environment.
  const env = {
    ...settled,
    PGHOST: server.host,
    PGBACKREST_PG1_PATH: data,
    PGBACKREST_PG1_PORT: String(server.port),
    PGBACKREST_PG1_USER: server.superuser,
  };
  const call: CallPgBackRest = (args) => run(pgBackRest, args, env);
  const stanza = await call(["stanza-create"]);
  if (stanza.exitCode !== 0) throw new Error(stanza.output + stanza.errors);
  return {
    sql,
    repository,
    call,
    async restored(options) {
      const own = fs.mkdtempSync(path.join(os.tmpdir(), "restored-"));
      const into = path.join(own, "data");
      fs.mkdirSync(into, { mode: 0o700 });
      // The server gets its log by the same command, which keeps what were arguments.
      const done = await run(pgBackRest, [
        ...["--stanza=main", `--repo1-path=${repository}`, "--log-level-file=off"],
        ...[`--pg1-path=${into}`, ...options, "restore"],
      ]);
      if (done.exitCode !== 0) throw new Error(done.output + done.errors);
      return servePostgresql(own, { archive_mode: "off" });
    },
    async stop() {
      await server.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ exitCode: number; output: string; errors: string }> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  await once(child, "close");
  return { exitCode: child.exitCode ?? -1, output, errors };
}
