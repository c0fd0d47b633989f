import type { RoutedTargetName } from "../catalog";
import { BACKENDS } from "../migration";
import { MONITOR_CONNECTIONS, OWNER_CONNECTIONS } from "./connections";
import { passwordOf, verifierOf } from "./password";
import { literal, quoted } from "./quoting";
import { type DatabaseRole, databaseName, groupName, roleName } from "./roles";

export const DATABASE_MODES = ["read-write", "read-only"] as const;

export type DatabaseMode = (typeof DATABASE_MODES)[number];

export interface Access {
  readonly target: RoutedTargetName;
  /** Whether the backends may write. */
  readonly mode: DatabaseMode;
  /** What the passwords are derived from. */
  readonly secret: string;
  /** The most that one backend may have at once. */
  readonly connections: number;
}

/** How long a statement of a step may wait for a lock, with all that queue behind it. */
const lockTimeout = "2s";

/**
 * All that makes a target's database its own: roles, groups, privileges, limits. It is for psql, as the admin, in the
 * database `postgres`, and harmless to run again. Nothing of it can be used to connect.
 *
 * What backends may do they may as members of a group, never by themselves and never as owners: to leave the writers
 * is one statement, and holds for the next statement of sessions that are open, in whatever transaction.
 */
export function accessSql(access: Access): string {
  const { target } = access;
  const database = quoted(databaseName(target));
  const [reader, writer] = [quoted(groupName(target, "reader")), quoted(groupName(target, "writer"))];
  const [owner, monitor] = [quoted(roleName(target, "owner")), quoted(roleName(target, "monitor"))];
  const backends = BACKENDS.map((backend) => quoted(roleName(target, backend))).join(", ");
  return `\\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
${[groupName(target, "reader"), groupName(target, "writer"), ...logins(access).map(({ name }) => name)].map(createRole).join("\n")}
${logins(access).map(alterLogin).join("\n")}
ALTER ROLE ${owner} SET lock_timeout = ${literal(lockTimeout)};
GRANT pg_monitor TO ${monitor};
-- Without being its superuser, RDS's admin acts for the owner as its member.
GRANT ${owner} TO CURRENT_USER;
GRANT ${reader} TO ${backends};
${access.mode === "read-write" ? `GRANT ${writer} TO ${backends};` : `REVOKE ${writer} FROM ${backends};`}
COMMIT;
SELECT ${literal(`CREATE DATABASE ${database} OWNER ${owner}`)}
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = ${literal(databaseName(target))})
\\gexec
\\connect ${database}
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
-- What is the extension's is not the owner's to grant, and PostgreSQL warns of it.
SET client_min_messages = error;
BEGIN;
SET LOCAL ROLE ${owner};
REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${reader};
GRANT CONNECT ON DATABASE ${database} TO ${monitor};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ${reader}, ${monitor};
${privileges(reader, writer)
  .map(
    ({ what, on, to }) => `GRANT ${what} ON ALL ${on} IN SCHEMA public TO ${to};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ${what} ON ${on} TO ${to};`,
  )
  .join("\n")}
COMMIT;
`;
}

function privileges(reader: string, writer: string) {
  return [
    { what: "SELECT", on: "TABLES", to: reader },
    { what: "SELECT", on: "SEQUENCES", to: reader },
    { what: "INSERT, UPDATE, DELETE", on: "TABLES", to: writer },
    { what: "USAGE, UPDATE", on: "SEQUENCES", to: writer },
  ];
}

interface Login {
  readonly name: string;
  readonly verifier: string;
  readonly connections: number;
}

function logins({ target, secret, connections }: Access): Login[] {
  const login = (role: DatabaseRole, limit: number): Login => ({
    name: roleName(target, role),
    verifier: verifierOf(passwordOf(secret, target, role)),
    connections: limit,
  });
  return [
    login("owner", OWNER_CONNECTIONS),
    login("monitor", MONITOR_CONNECTIONS),
    ...BACKENDS.map((backend) => login(backend, connections)),
  ];
}

/** PostgreSQL has no CREATE ROLE IF NOT EXISTS. */
function createRole(name: string): string {
  return `SELECT ${literal(`CREATE ROLE ${quoted(name)} NOLOGIN`)} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${literal(name)}) \\gexec`;
}

function alterLogin({ name, verifier, connections }: Login): string {
  return `ALTER ROLE ${quoted(name)} LOGIN CONNECTION LIMIT ${connections} PASSWORD ${literal(verifier)};`;
}
