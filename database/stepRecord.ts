import { z } from "zod";
import type { SqlSession } from "./session";

/** Where a database keeps what is known of its steps, apart from the service's own tables. */
export const stepsSchema = "pyairtable";

/** Goose keeps there which of its files it has applied: part of no release. */
export const versionTable = "goose_db_version";

/** Each step that was begun, and when it had left the schema that it was prepared to leave. */
export const createStepRecord = `
CREATE SCHEMA IF NOT EXISTS ${stepsSchema};
CREATE TABLE IF NOT EXISTS ${stepsSchema}.steps (
  step text PRIMARY KEY,
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
);
`;

/** A step that was begun. */
export interface RecordedStep {
  readonly begunAt: Date;
  readonly isFinished: boolean;
}

/** What a database says of its steps, by what it knows them by, the last that was begun first. */
export async function recordedSteps(session: SqlSession): Promise<ReadonlyMap<string, RecordedStep>> {
  const record = `${stepsSchema}.steps`;
  const [found] = await session.rows(`SELECT to_regclass('${record}') IS NOT NULL AS kept`, keptSchema);
  if (found?.kept !== true) return new Map();
  const rows = await session.rows(
    `SELECT step, to_char(begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS begun,
      finished_at IS NOT NULL AS finished
    FROM ${record} ORDER BY begun_at DESC`,
    stepSchema,
  );
  return new Map(
    rows.map(({ step, begun, finished }) => [step, { begunAt: new Date(begun), isFinished: finished }]),
  );
}

/** The last step that was begun, if it hasn't come to its end: it may have left its schema half-way. */
export async function unfinishedStep(session: SqlSession): Promise<string | undefined> {
  const [last] = await recordedSteps(session);
  if (last === undefined) return undefined;
  const [step, { isFinished }] = last;
  return isFinished ? undefined : step;
}

const keptSchema = z.object({ kept: z.boolean() });
const stepSchema = z.object({ step: z.string(), begun: z.iso.datetime(), finished: z.boolean() });
