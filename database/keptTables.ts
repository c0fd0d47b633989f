import { z } from "zod";
import { quoted } from "./quoting";
import type { SqlSession } from "./session";
import type { Before } from "./stepScope";
import { stepsSchema, versionTable } from "./stepRecord";

/** The data of a table, over the columns that it had before a step. */
export interface TableData {
  /** `schema.table`, as PostgreSQL quotes it. */
  readonly table: string;
  readonly rows: number;
  /** Of its rows, in whichever order they lie. */
  readonly checksum: string;
  /** The same of each column by itself, for when others are gone. */
  readonly columns: Readonly<Record<string, string>>;
}

/** A table and its columns: what is looked at before a step and after it. */
export interface TableShape {
  readonly table: string;
  readonly columns: readonly string[];
}

/** Where the service's own relations are, with what the steps' tool and the record of steps keep left out. */
const ownRelations = `
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${stepsSchema}')
    AND c.relname <> '${versionTable}'
    AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )`;

const columnsOfRelation = `
  SELECT coalesce(json_agg(attname ORDER BY attnum), '[]') FROM pg_attribute
  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped`;

/** The relations that there are, by their plain names. */
export async function relationsNow(session: SqlSession): Promise<Before> {
  const rows = await session.rows(
    `SELECT n.nspname || '.' || c.relname AS relation, (${columnsOfRelation}) AS columns ${ownRelations}
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    z.object({ relation: z.string(), columns: z.array(z.string()) }),
  );
  return new Map(rows.map(({ relation, columns }) => [relation, new Set(columns)]));
}

/** The tables that hold rows themselves; generated columns follow from the others. */
export async function tablesNow(session: SqlSession): Promise<readonly TableShape[]> {
  return session.rows(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, (${columnsOfRelation}) AS columns ${ownRelations}
      AND c.relkind = 'r' ORDER BY 1`,
    z.object({ table: z.string(), columns: z.array(z.string()) }),
  );
}

/** Reads every row: of tables that a step was given, as far as they and their columns are still there. */
export async function tableData(
  session: SqlSession,
  shapes: readonly TableShape[],
  signal?: AbortSignal,
): Promise<readonly TableData[]> {
  const now = new Map((await tablesNow(session)).map(({ table, columns }) => [table, columns]));
  const found: TableData[] = [];
  for (const { table, columns } of shapes) {
    signal?.throwIfAborted();
    const present = columns.filter((column) => now.get(table)?.includes(column) === true);
    if (!now.has(table)) continue;
    const names = present.map(quoted);
    const sums = names.map((column) => sumOf([column]));
    const [row] = await session.rows(
      `SELECT count(*) AS rows, ${sumOf(names)} AS checksum, json_build_array(${sums.join(", ")}) AS columns FROM ONLY ${table}`,
      z.object({ rows: z.int(), checksum: z.string(), columns: z.array(z.string()) }),
    );
    if (row === undefined) continue;
    found.push({
      table,
      rows: row.rows,
      checksum: row.checksum,
      columns: Object.fromEntries(present.map((column, index) => [column, row.columns[index] ?? ""])),
    });
  }
  return found;
}

/** A sum over hashes: the order of rows doesn't count, their number does. */
function sumOf(columns: readonly string[]): string {
  return `coalesce(sum(hashtextextended(ROW(${columns.join(", ")})::text, 0)::numeric), 0)::text`;
}

/** What of `before` isn't in `after` as it was, in words. */
export function differences(
  before: readonly TableData[],
  after: readonly TableData[],
): { readonly changed: readonly string[]; readonly gone: readonly string[] } {
  const changed: string[] = [];
  const gone: string[] = [];
  for (const was of before) {
    const is = after.find(({ table }) => table === was.table);
    if (is === undefined) {
      gone.push(was.table);
      continue;
    }
    const missing = Object.keys(was.columns).filter((column) => is.columns[column] === undefined);
    gone.push(...missing.map((column) => `${was.table}.${column}`));
    if (is.rows !== was.rows) {
      changed.push(`${was.table}: found ${is.rows} rows, expected ${was.rows}`);
      continue;
    }
    const isOther = missing.length === 0 && is.checksum !== was.checksum;
    const others = Object.entries(is.columns).filter(([column, sum]) => was.columns[column] !== sum);
    if (!isOther && others.length === 0) continue;
    const where = others.map(([column]) => column).join(", ") || "other rows";
    changed.push(`${was.table}: found other content (${where}) in its ${was.rows} rows, expected the same`);
  }
  return { changed, gone };
}
