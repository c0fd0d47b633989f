import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { PsqlSession, type SqlSession, psqlArguments, psqlEnvironment } from "../../database/session";

export interface PsqlSessionArgs {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  /** @default postgres */
  readonly database?: string;
}

/** SQL with a PostgreSQL that this machine reaches, by the same psql that a session in the cluster runs. */
export function openPsqlSession({ host, port, user, password, database }: PsqlSessionArgs): SqlSession {
  const psql = path.join(process.env["POSTGRESQL_BIN"] ?? "", "psql");
  const env = {
    ...psqlEnvironment,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database ?? "postgres",
    ...(password !== undefined && { PGPASSWORD: password }),
  };
  return new PsqlSession((sql) => {
    const child = spawn(psql, psqlArguments, { env: { ...process.env, ...env } });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    // Once nobody reads, it ends by its next write.
    child.stdin.on("error", () => {}).end(sql);
    const end = async (): Promise<{ exitCode: number; errors: string }> => {
      await once(child, "close");
      return { exitCode: child.exitCode ?? -1, errors };
    };
    return Promise.resolve({ output: child.stdout, ended: end() });
  });
}
