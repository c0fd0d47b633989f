import type { Readable } from "node:stream";
import type { ZodType } from "zod";
import { DatabaseError } from "./host";

/** SQL with one database. Each call is a connection of its own: nothing of a session is kept between two. */
export interface SqlSession {
  /** The rows of one SELECT, without a semicolon. @throws DatabaseError with PostgreSQL's own words */
  rows<T>(sql: string, schema: ZodType<T>): Promise<T[]>;
  /** Statements, each in a transaction of its own unless they say otherwise; the first that fails is the last. */
  run(sql: string): Promise<void>;
  /** What one SELECT of one column answers, a line a row, as it comes: text without line feeds. */
  lines(sql: string): AsyncIterable<string>;
  close(): Promise<void>;
}

/** A psql that was started with `psqlArguments` and the SQL on its stdin. */
export interface RunningPsql {
  /** Its stdout; it waits while nobody reads. */
  readonly output: Readable;
  readonly ended: Promise<{ readonly exitCode: number; readonly errors: string }>;
}

/**
 * Rows and nothing else, the end at the first error. The answer is fetched in parts, so that neither psql nor the
 * server holds a whole table.
 */
export const psqlArguments = [
  "--no-psqlrc",
  "--quiet",
  "--no-align",
  "--tuples-only",
  "--set=ON_ERROR_STOP=1",
  "--set=FETCH_COUNT=1000",
] as const;

/** For psql, beside where to connect to and as whom: the same value is the same text, whatever a server prefers. */
export const psqlEnvironment = {
  PGCLIENTENCODING: "UTF8",
  PGCONNECT_TIMEOUT: "10",
  PGTZ: "UTC",
  PGDATESTYLE: "ISO",
  PGOPTIONS: "-c extra_float_digits=1 -c bytea_output=hex -c IntervalStyle=iso_8601",
} as const;

/** A session that starts a psql for each call. */
export class PsqlSession implements SqlSession {
  /** @param end what there is to end with the session */
  constructor(
    private readonly start: (sql: string) => Promise<RunningPsql>,
    private readonly end: () => Promise<void> = () => Promise.resolve(),
  ) {}

  async rows<T>(sql: string, schema: ZodType<T>): Promise<T[]> {
    const rows: T[] = [];
    // What a column of type json holds may have line feeds, but only between its tokens.
    const asJson = `SELECT replace(row_to_json(answer)::text, E'\\n', ' ') FROM (${sql}) AS answer`;
    for await (const line of this.lines(asJson)) rows.push(schema.parse(JSON.parse(line)));
    return rows;
  }

  async run(sql: string): Promise<void> {
    const { output, ended } = await this.start(sql);
    output.resume();
    complain(await ended);
  }

  async *lines(sql: string): AsyncIterable<string> {
    // What psql itself prints lacks the characters that Unicode says are none.
    const { output, ended } = await this.start(`COPY (${sql}) TO STDOUT;\n`);
    try {
      for await (const line of linesOf(output)) yield copied(line);
    } finally {
      output.destroy();
    }
    complain(await ended);
  }

  close(): Promise<void> {
    return this.end();
  }
}

/** Not by node:readline: to that one, more than a line feed ends a line. */
async function* linesOf(output: Readable): AsyncIterable<string> {
  let rest = "";
  for await (const chunk of output.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

const escaped: Readonly<Record<string, string>> = {
  ...{ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  // A null.
  N: "",
};

/** A column as COPY writes it. */
function copied(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => escaped[character] ?? character);
}

function complain({ exitCode, errors }: Awaited<RunningPsql["ended"]>): void {
  if (exitCode === 0) return;
  throw new DatabaseError(
    errors.replace(/^psql:<stdin>:\d+: /gm, "").trim() || `psql ended with ${exitCode}`,
  );
}
