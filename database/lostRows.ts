import { z } from "zod";
import { literal, quoted } from "./quoting";
import type { SqlSession } from "./session";

/**
 * What is in the tables and columns that a step's `down` takes away, as JSON, a line a row.
 * @param gone `schema.table` or `schema.table.column`, quoted as PostgreSQL does where they must be
 */
export async function* lostRows(session: SqlSession, gone: readonly string[]): AsyncIterable<string> {
  const tables = await session.rows(tablesSql, tableSchema);
  for (const { table, columns, key } of tables) {
    if (gone.includes(table)) {
      yield* session.lines(asJson(table, `SELECT * FROM ONLY ${table}`));
      continue;
    }
    const lost = columns.filter((column) => gone.includes(`${table}.${column}`)).map(quoted);
    if (lost.length === 0) continue;
    const isThere = lost.map((column) => `${column} IS NOT NULL`).join(" OR ");
    const wanted = [...new Set([...key.map(quoted), ...lost])].join(", ");
    yield* session.lines(asJson(table, `SELECT ${wanted} FROM ONLY ${table} WHERE ${isThere}`));
  }
}

const tableSchema = z.object({ table: z.string(), columns: z.array(z.string()), key: z.array(z.string()) });

const tablesSql = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
  (
    SELECT coalesce(json_agg(attname ORDER BY attnum), '[]') FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
  ) AS columns,
  (
    SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = c.oid AND i.indisprimary
  ) AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1`;

function asJson(table: string, select: string): string {
  return `SELECT replace(json_build_object('table', ${literal(table)}, 'row', row_to_json(lost))::text, E'\\n', ' ') FROM (${select}) AS lost`;
}
