import { z } from "zod";
import { DatabaseError } from "./host";
import type { SqlSession } from "./session";
import { stepsSchema } from "./stepRecord";

/** The two databases that are compared: the one in use, and what a restore made. */
export type Side = "live" | "restored";
export type Sides<T> = Readonly<Record<Side, T>>;

/** A row that isn't the same in both, as JSON. */
export type Difference =
  | { readonly table: string; readonly only: Side; readonly row: string }
  | ({ readonly table: string } & Sides<string>);

/** What a table has in both. */
export interface TableComparison {
  /** As SQL names it: `public.users` */
  readonly table: string;
  /** Undefined where there is no such table. */
  readonly rows: Sides<number | undefined>;
  /** How many are in one only; a row that has the same primary key in both, and something else otherwise, differs. */
  readonly only: Sides<number>;
  readonly differing: number;
  /** Why it can't be read in the one in use. The rest is what was found until then. @default it was read to its end */
  readonly unread?: string;
}

/**
 * Compares every row of every table, by its primary key, else as a whole; columns that only one side has aren't
 * compared. Rows are fetched only where checksums differ, so that what is equal costs little, and none are kept. A table
 * that can't be read in the one in use is told of, as that may be why there is a restore.
 * @param onDifference awaited, one after another
 * @throws DatabaseError when the tables of the one in use can't be listed, or what was restored can't be read
 */
export async function compareDatabases(
  sessions: Sides<SqlSession>,
  onDifference: (difference: Difference) => Promise<void>,
): Promise<readonly TableComparison[]> {
  const [live, restored] = await Promise.all([tablesOf(sessions.live), tablesOf(sessions.restored)]);
  const marked = { ...sessions, live: marking(sessions.live) };
  const names = [...new Set([...live.keys(), ...restored.keys()])].sort();
  const compared: TableComparison[] = [];
  for (const table of names) {
    const tables = { live: live.get(table), restored: restored.get(table) };
    compared.push(await compareTable(marked, table, tables, onDifference));
  }
  return compared;
}

const tableSchema = z.object({
  table: z.string(),
  /** Each as SQL names it. */
  columns: z.array(z.string()),
  key: z.array(z.string()),
});
type Table = z.infer<typeof tableSchema>;

async function tablesOf(session: SqlSession): Promise<ReadonlyMap<string, Table>> {
  const tables = await session.rows(listOfTables, tableSchema);
  return new Map(tables.map((each) => [each.table, each]));
}

/** Partitions by themselves; nothing of PostgreSQL's own, nothing temporary, and not what is noted of steps. */
const listOfTables = `
  SELECT format('%I.%I', nspname, relname) AS table,
    ARRAY(
      SELECT quote_ident(attname) FROM pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname
    ) AS columns,
    ARRAY(
      SELECT quote_ident(attname) FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indrelid = c.oid AND indisprimary ORDER BY attname
    ) AS key
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence <> 't' AND nspname NOT IN ('information_schema', '${stepsSchema}') AND nspname NOT LIKE 'pg\\_%'`;

async function compareTable(
  sessions: Sides<SqlSession>,
  table: string,
  tables: Sides<Table | undefined>,
  onDifference: (difference: Difference) => Promise<void>,
): Promise<TableComparison> {
  const expressions = expressionsOf(tables);
  const counted = async (side: Side): Promise<ReadonlyMap<string, Bucket>> =>
    tables[side] === undefined ? new Map() : bucketsOf(sessions[side], table, expressions);
  const only = { live: 0, restored: 0 };
  let rows: Sides<number | undefined> = { live: undefined, restored: undefined };
  let differing = 0;
  try {
    const [live, restored] = await Promise.all([counted("live"), counted("restored")]);
    rows = { live: tables.live && sumOf(live), restored: tables.restored && sumOf(restored) };
    const buckets = [...new Set([...live.keys(), ...restored.keys()])].filter(
      (each) => live.get(each)?.checksum !== restored.get(each)?.checksum,
    );
    if (buckets.length > 0) {
      const rowsOf = (side: Side): AsyncIterable<string> =>
        tables[side] === undefined ? none() : sessions[side].lines(rowsSql(table, expressions, buckets));
      for await (const found of merged({ live: rowsOf("live"), restored: rowsOf("restored") })) {
        if ("only" in found) only[found.only]++;
        else differing++;
        await onDifference({ table, ...found });
      }
    }
  } catch (error) {
    if (!(error instanceof Unread)) throw error;
    return { table, rows, only, differing, unread: error.message };
  }
  return { table, rows, only, differing };
}

function sumOf(counts: ReadonlyMap<string, Bucket>): number {
  return [...counts.values()].reduce((sum, { rows }) => sum + rows, 0);
}

/** Tells what the one in use can't read from what else may fail. */
class Unread extends Error {}

function marking(session: SqlSession): SqlSession {
  return {
    rows: (sql, schema) => session.rows(sql, schema),
    run: (sql) => session.run(sql),
    close: () => session.close(),
    async *lines(sql) {
      try {
        yield* session.lines(sql);
      } catch (error) {
        throw error instanceof DatabaseError ? new Unread(error.message) : error;
      }
    },
  };
}

interface Expressions {
  /** SQL: what tells a row from others, and all that is compared of it. */
  readonly key: string;
  readonly row: string;
}

function expressionsOf({ live, restored }: Sides<Table | undefined>): Expressions {
  const [one, other] = [live ?? restored, restored ?? live];
  const columns = one?.columns.filter((each) => other?.columns.includes(each)) ?? [];
  const row = recordOf(columns);
  const hasKey = one !== undefined && one.key.length > 0 && String(one.key) === String(other?.key);
  return { row, key: hasKey ? recordOf(one.key) : row };
}

/** As text it says which columns are null, and where each ends. */
function recordOf(columns: readonly string[]): string {
  return `ROW(${columns.map((each) => `t.${each}`).join(", ")})::text`;
}

interface Bucket {
  readonly rows: number;
  readonly checksum: string;
}

/** So many that one row that differs makes few others be fetched, so few that they are nothing to keep. */
const bucketCount = 4096;

function bucketOf(key: string): string {
  return `(hashtextextended(${key} COLLATE "C", 0) & ${bucketCount - 1})`;
}

async function bucketsOf(
  session: SqlSession,
  table: string,
  { key, row }: Expressions,
): Promise<ReadonlyMap<string, Bucket>> {
  const sums = [1, 2].map((seed) => `sum(hashtextextended(${row} COLLATE "C", ${seed}))`).join(" || '/' || ");
  const sql = `SELECT ${bucketOf(key)} || ' ' || count(*) || ' ' || count(*) || '/' || ${sums} FROM ONLY ${table} t GROUP BY ${bucketOf(key)}`;
  const buckets = new Map<string, Bucket>();
  for await (const line of session.lines(sql)) {
    const [bucket = "", rows = "", checksum = ""] = line.split(" ");
    buckets.set(bucket, { rows: Number(rows), checksum });
  }
  return buckets;
}

/** Hashes of key and row, then the row as JSON, by the hash of the key and then of the row. */
function rowsSql(table: string, { key, row }: Expressions, buckets: readonly string[]): string {
  const [keyHash, rowHash] = [`md5(${key}) COLLATE "C"`, `md5(${row}) COLLATE "C"`];
  return `SELECT md5(${key}) || md5(${row}) || replace(row_to_json(t.*)::text, E'\\n', ' ') FROM ONLY ${table} t WHERE ${bucketOf(key)} IN (${buckets.join(", ")}) ORDER BY ${keyHash}, ${rowHash}`;
}

interface Row {
  readonly key: string;
  readonly hash: string;
  readonly json: string;
}

const hashLength = 32;

function rowOf(line: string): Row {
  return {
    key: line.slice(0, hashLength),
    hash: line.slice(hashLength, 2 * hashLength),
    json: line.slice(2 * hashLength),
  };
}

type Found = { readonly only: Side; readonly row: string } | Sides<string>;

/** What isn't the same in two streams that are in the order of their keys. */
async function* merged(lines: Sides<AsyncIterable<string>>): AsyncIterable<Found> {
  const iterators: Sides<AsyncIterator<string, unknown>> = {
    live: lines.live[Symbol.asyncIterator](),
    restored: lines.restored[Symbol.asyncIterator](),
  };
  const next = async (side: Side): Promise<Row | undefined> => {
    const result = await iterators[side].next();
    return result.done === true ? undefined : rowOf(result.value);
  };
  try {
    let [live, restored] = await Promise.all([next("live"), next("restored")]);
    for (;;) {
      if (live === undefined && restored === undefined) return;
      if (live !== undefined && (restored === undefined || live.key < restored.key)) {
        yield { only: "live", row: live.json };
        live = await next("live");
      } else if (restored !== undefined && (live === undefined || restored.key < live.key)) {
        yield { only: "restored", row: restored.json };
        restored = await next("restored");
      } else if (live !== undefined && restored !== undefined) {
        if (live.hash !== restored.hash) yield { live: live.json, restored: restored.json };
        [live, restored] = await Promise.all([next("live"), next("restored")]);
      }
    }
  } finally {
    await Promise.all([iterators.live.return?.(), iterators.restored.return?.()]);
  }
}

async function* none(): AsyncIterable<string> {
  // Nothing is asked.
}
