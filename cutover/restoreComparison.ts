import path from "node:path";
import { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { openClusterSession } from "../database/clusterSession";
import { compareDatabases } from "../database/compare";
import { DatabaseError } from "../database/host";
import type { DatabaseAddress } from "../database/instance";
import type { SqlSession } from "../database/session";
import { type Compared, differenceFile, unanswered } from "./comparison";
import type { KeptDatabase } from "./databaseOf";
import type { Project } from "./project";

export interface ComparisonArgs {
  readonly target: RoutedTargetName;
  readonly database: Pick<KeptDatabase, "namespace" | "image">;
  readonly api: KubeApi;
  readonly project: Project;
  /** The moment of the restore. */
  readonly to: Date;
  /** Of what was restored. */
  readonly address: DatabaseAddress;
  readonly signal: AbortSignal;
}

/**
 * Every row of the one in use and of what was restored; those that aren't the same go into a file.
 * @throws DatabaseError when what was restored can't be read
 */
export async function compareRestored(args: ComparisonArgs): Promise<Compared> {
  const { target, database, api, address, signal } = args;
  const { namespace, image } = database;
  const open = { namespace, image, target, role: "owner", signal } as const;
  const live = await openClusterSession(api, open);
  try {
    const why = await whyUnanswered(live);
    // The file of an earlier comparison stays, which may be all that anybody will ever know.
    if (why !== undefined) return unanswered(why);
    const restored = await openClusterSession(api, { ...open, address });
    try {
      return await compared(args, live, restored);
    } finally {
      await restored.close();
    }
  } catch (error) {
    if (error instanceof DatabaseError)
      throw new DatabaseError(`${target}: it can't be compared: ${error.message}`);
    throw error;
  } finally {
    await live.close();
  }
}

async function compared(
  { target, project, to }: ComparisonArgs,
  live: SqlSession,
  restored: SqlSession,
): Promise<Compared> {
  const name = `${target}-restore-${timeName(to)}.jsonl`;
  const file = differenceFile(path.join(path.dirname(project.configFile), name));
  try {
    const tables = await compareDatabases({ live, restored }, file.write);
    const found = await file.finish(tables);
    const why = tables.some(({ unread }) => unread !== undefined) ? await whyUnanswered(live) : undefined;
    return { ...found, ...(why !== undefined && { unanswered: why }) };
  } finally {
    await file.close();
  }
}

async function whyUnanswered(session: SqlSession): Promise<string | undefined> {
  try {
    await session.rows("SELECT 1 AS one", z.unknown());
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return error.message.replace(/^psql: error: /, "").replaceAll(/\s*\n\s*/g, "; ");
  }
}

/** `20250811-090000`, with milliseconds where there are any. */
export function timeName(time: Date): string {
  const [seconds = "", ms = "000Z"] = time.toISOString().split(".");
  const digits = seconds.replaceAll(/[-:]/g, "").replace("T", "-");
  return ms === "000Z" ? digits : `${digits}-${ms.slice(0, 3)}`;
}
