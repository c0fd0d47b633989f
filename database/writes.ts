import { z } from "zod";
import { DatabaseError } from "./host";
import type { SqlSession } from "./session";

/** Whether a role may write, as its own attempt shows. */
export type Writes = "accepted" | "refused" | "nothing to write to";

/**
 * Tries to write as the session's role: a DELETE that meets no row needs the privilege all the same. It is taken back,
 * so that nothing comes of it even where a trigger answers to statements.
 * @throws DatabaseError for whatever else goes wrong
 */
export async function tryToWrite(session: SqlSession): Promise<Writes> {
  const tables = await session.rows(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
    z.object({ name: z.string() }),
  );
  const [first] = tables;
  if (first === undefined) return "nothing to write to";
  try {
    await session.run(`BEGIN; DELETE FROM ${first.name} WHERE false; ROLLBACK;`);
    return "accepted";
  } catch (error) {
    if (error instanceof DatabaseError && /permission denied for table/.test(error.message)) return "refused";
    throw error;
  }
}
