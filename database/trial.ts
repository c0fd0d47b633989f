import { z } from "zod";
import type { LockTaken, StatementRun, StepEvidence, TableKept } from "./evidence";
import { fingerprintOf } from "./fingerprint";
import { DatabaseError } from "./host";
import { type TableData, differences, relationsNow, tableData, tablesNow } from "./keptTables";
import type { SqlSession } from "./session";
import { type StepVerdict, judgeStatements } from "./statements";
import { stepsSchema } from "./stepRecord";

export type StepAction = "up" | "down";

export interface TrialArgs {
  /** With the shadow's database, as one who may make event triggers. */
  readonly session: SqlSession;
  /** The role that the step connects as: only its statements count. */
  readonly role: string;
  /** Runs the step against the shadow, and resolves when it has succeeded. @throws DatabaseError */
  readonly run: (action: StepAction) => Promise<void>;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What a step was seen to do. */
export interface Trial
  extends
    Pick<StepEvidence, "before" | "after" | "reversible" | "seconds" | "statements" | "locks" | "tables">,
    StepVerdict {
  /** Tables and columns that the step takes away, with what is in them. */
  readonly gone: readonly string[];
  /** Why `down` is no way back; undefined if it is one. */
  readonly irreversible: string | undefined;
}

/**
 * Tries a step on a shadow: what it runs, which locks it takes on what was there before, whether every row is as it was,
 * and whether its `down` leads back.
 * @throws DatabaseError when it fails, or changes what was there
 */
export async function tryStep({ session, role, run, onProgress, signal }: TrialArgs): Promise<Trial> {
  const before = await fingerprintOf(session);
  const relations = await relationsNow(session);
  const shapes = await tablesNow(session);
  onProgress(`reading ${shapes.length} tables`);
  const rowsBefore = await tableData(session, shapes, signal);
  await session.run(watchSql);

  onProgress("running the step");
  const startedAt = performance.now();
  await run("up");
  const seconds = (performance.now() - startedAt) / 1000;
  const statements = await statementsOf(session, role);
  const locks = await session.rows(
    `SELECT relation, mode FROM ${stepsSchema}.locks ORDER BY 1, 2`,
    lockSchema,
  );
  const rewritten = await session.rows(
    `SELECT DISTINCT relation FROM ${stepsSchema}.rewrites ORDER BY 1`,
    z.object({ relation: z.string() }),
  );
  const after = await fingerprintOf(session);
  onProgress(`reading ${shapes.length} tables again`);
  const { changed, gone } = differences(rowsBefore, await tableData(session, shapes, signal));
  if (changed.length > 0) {
    throw new DatabaseError(`the step changes what was there before:\n${indented(changed)}`);
  }
  const listed = await judgeStatements(
    statements.map(({ statement }) => statement),
    relations,
  );
  const refused = [...listed.refused, ...rewritten.map(({ relation }) => rewriteOf(relation))];

  onProgress("running its down, and up again");
  const irreversible = await whyIrreversible({ session, run, shapes, before, after, rowsBefore, signal });
  return {
    before,
    after,
    kind: refused.length === 0 ? "expand" : "contract",
    refused,
    reversible: irreversible === undefined,
    irreversible,
    seconds,
    statements,
    locks,
    tables: rowsBefore.map(({ table, rows, checksum }): TableKept => ({ table, rows, checksum })),
    gone,
  };
}

/**
 * Notes the locks that each command of the schema holds when it ends, and each table that it writes anew. (CREATE INDEX
 * CONCURRENTLY has let go of its own by then, which hinder neither readers nor writers.) The step's own statements are
 * told from these by their role.
 */
const watchSql = `
CREATE SCHEMA IF NOT EXISTS ${stepsSchema};
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE ${stepsSchema}.known AS
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname !~ '^pg_'
    AND n.nspname NOT IN ('information_schema', '${stepsSchema}');
CREATE TABLE ${stepsSchema}.locks (relation text, mode text, PRIMARY KEY (relation, mode));
CREATE TABLE ${stepsSchema}.rewrites (relation text);
CREATE FUNCTION ${stepsSchema}.note_locks() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO ${stepsSchema}.locks
    SELECT DISTINCT format('%I.%I', n.nspname, c.relname), l.mode
    FROM pg_locks l
    JOIN ${stepsSchema}.known k ON k.oid = l.relation
    JOIN pg_class c ON c.oid = l.relation
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION ${stepsSchema}.note_rewrite() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO ${stepsSchema}.rewrites
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN ${stepsSchema}.known k ON k.oid = c.oid
    WHERE c.oid = pg_event_trigger_table_rewrite_oid();
END $$;
CREATE EVENT TRIGGER pyairtable_locks ON ddl_command_end EXECUTE FUNCTION ${stepsSchema}.note_locks();
CREATE EVENT TRIGGER pyairtable_rewrites ON table_rewrite EXECUTE FUNCTION ${stepsSchema}.note_rewrite();
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET pg_stat_statements.track = ''all''', current_database());
END $$;
SELECT pg_stat_statements_reset();
`;

const lockSchema = z.object({ relation: z.string(), mode: z.string() }) satisfies z.ZodType<LockTaken>;

const statementSchema = z.object({
  statement: z.string(),
  calls: z.int(),
  seconds: z.number(),
  rows: z.int(),
}) satisfies z.ZodType<StatementRun>;

/** What `role` has run since the watch began, the longest first. */
async function statementsOf(session: SqlSession, role: string): Promise<readonly StatementRun[]> {
  return session.rows(
    `SELECT s.query AS statement, sum(s.calls)::int AS calls, sum(s.total_exec_time) / 1000 AS seconds,
      sum(s.rows)::bigint AS rows
    FROM pg_stat_statements s
    JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
    WHERE r.rolname = '${role}' AND d.datname = current_database()
    GROUP BY 1 ORDER BY 3 DESC, 1`,
    statementSchema,
  );
}

function rewriteOf(relation: string): StepVerdict["refused"][number] {
  return {
    statement: `(seen on the shadow) ${relation}`,
    found: `${relation} was written anew`,
    why: "nobody can use it meanwhile",
  };
}

/**
 * Tries a step's `down` on a shadow that has what was written since.
 * @param before fingerprint of the schema that it leads back to
 * @returns the tables and columns that are gone then
 * @throws DatabaseError when it fails, leads elsewhere or changes what it leaves
 */
export async function tryDown(
  { session, run, onProgress, signal }: Omit<TrialArgs, "role">,
  before: string,
): Promise<readonly string[]> {
  const shapes = await tablesNow(session);
  onProgress(`reading ${shapes.length} tables`);
  const rows = await tableData(session, shapes, signal);
  onProgress("running its down");
  await run("down");
  if ((await fingerprintOf(session)) !== before) {
    throw new DatabaseError("the step's down leaves another schema than there was before the step");
  }
  const { changed, gone } = differences(rows, await tableData(session, shapes, signal));
  if (changed.length > 0) {
    throw new DatabaseError(`the step's down changes what it leaves:\n${indented(changed)}`);
  }
  return gone;
}

interface WayBack extends Pick<TrialArgs, "session" | "run" | "signal"> {
  readonly shapes: Parameters<typeof tableData>[1];
  readonly before: string;
  readonly after: string;
  readonly rowsBefore: readonly TableData[];
}

/** Takes the step back and forward again. */
async function whyIrreversible(way: WayBack): Promise<string | undefined> {
  const { session, run, shapes, before, after, rowsBefore, signal } = way;
  for (const [action, expected] of [
    ["down", before],
    ["up", after],
  ] as const) {
    try {
      await run(action);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return `its ${action} fails: ${error.message}`;
    }
    if ((await fingerprintOf(session)) !== expected) {
      return `its ${action} leaves another schema than there was`;
    }
    const { changed, gone } = differences(rowsBefore, await tableData(session, shapes, signal));
    if (changed.length > 0 || (action === "down" && gone.length > 0)) {
      return `its ${action} leaves other data than there was:\n${indented([...changed, ...gone])}`;
    }
  }
  return undefined;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
