import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Backup, DatabaseError } from "./host";

/** How one call of pgBackRest ended. */
export interface Called {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Calls pgBackRest where its environment says which instance it keeps, and where. */
export type CallPgBackRest = (args: readonly string[], signal?: AbortSignal) => Promise<Called>;

/** Another one works on the same repository: the daily backup, or one that was let go of. */
const lockHeld = 50;
const secondsBetween = 2;

/** Makes a full backup and proves that every file of it can be read back. @throws DatabaseError */
export async function backUpFully(call: CallPgBackRest, name: string, signal: AbortSignal): Promise<Backup> {
  await callInTurn(call, ["--type=full", `--annotation=for=${name}`, "backup"], signal);
  const [made] = await listBackups(call);
  if (made === undefined)
    throw new DatabaseError("pgBackRest: found no backup, expected the one that it made");
  await verifyBackup(call, made.label, signal);
  return made;
}

/** Finished ones without an error, newest first. @throws DatabaseError */
export async function listBackups(call: CallPgBackRest): Promise<readonly Backup[]> {
  return (await readInfo(call)).backups
    .filter(({ error }) => error !== true)
    .map(({ label, timestamp }) => ({ label, finishedAt: new Date(timestamp.stop * 1000) }))
    .reverse();
}

/**
 * Reads back all that the repository holds.
 * @throws DatabaseError when the backup, or the log that it needs, isn't as it was written
 */
export async function verifyBackup(call: CallPgBackRest, label: string, signal: AbortSignal): Promise<void> {
  const { backups, archives } = await readInfo(call);
  const backup = backups.find((each) => each.label === label);
  if (backup === undefined) {
    throw new DatabaseError(`backup ${label}: found none of this label, expected one of: ${labels(backups)}`);
  }
  const needed = backup.archive.stop;
  if (!archives.some(({ min, max }) => min <= backup.archive.start && needed <= max)) {
    throw new DatabaseError(
      `backup ${label}: found the log ${archives.map(({ min, max }) => `${min} to ${max}`).join(", ") || "missing"}, expected it from ${backup.archive.start} to ${needed}`,
    );
  }
  const report = await verify(call, signal);
  const verdicts = verdictsIn(report);
  const own = verdicts.find(({ what }) => what === `backup: ${label}`);
  const found = [
    ...(own?.isValid === true ? [] : [own?.text ?? "nothing said of it"]),
    ...verdicts
      .filter(({ what, isValid }) => what.startsWith("archiveId:") && !isValid)
      .map(({ text }) => text),
  ];
  if (found.length === 0) return;
  found.push(...filesIn(report));
  throw new DatabaseError(
    `backup ${label}: found it corrupt, expected every file as it was written: ${found.join("; ")}`,
  );
}

/** Reads back all that the repository holds. @returns what isn't as it was written, in pgBackRest's words */
export async function damageIn(call: CallPgBackRest, signal: AbortSignal): Promise<readonly string[]> {
  const report = await verify(call, signal);
  const verdicts = verdictsIn(report).filter(({ isValid }) => !isValid);
  return [...verdicts.map(({ text }) => text), ...filesIn(report)];
}

/** Options of a restore of this very backup: no further than it needs to be consistent. */
export function asOf({ label }: Backup): readonly string[] {
  return [`--set=${label}`, "--type=immediate", "--target-action=promote"];
}

/** Options of a restore of all that was committed until then. */
export function untilTime(to: Date): readonly string[] {
  const [date = "", time = ""] = to.toISOString().replace("Z", "+00").split("T");
  return ["--type=time", `--target=${date} ${time}`, "--target-action=promote"];
}

/** Options of a restore of all that the log has. */
export const untilEnd: readonly string[] = ["--type=default"];

/** Waits for whoever holds pgBackRest's lock. @throws DatabaseError with its own words */
async function callInTurn(
  call: CallPgBackRest,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const { exitCode, output, errors } = await call(args, signal);
    if (exitCode === 0) return output;
    if (exitCode !== lockHeld) throw new DatabaseError(failureOf(args, exitCode, `${output}\n${errors}`));
    await sleep(secondsBetween * 1000, undefined, { signal });
  }
}

function failureOf(args: readonly string[], exitCode: number, said: string): string {
  const lines = said
    .split("\n")
    // `2026-11-25 21:14:36.123 P00  ERROR: [056]: …`
    .map((line) => /(?:ERROR|HINT|WARN): .*/.exec(line)?.[0] ?? "")
    .filter((line) => line !== "");
  return `pgBackRest's ${args.at(-1) ?? ""} failed (exit code ${exitCode}): ${lines.join("; ") || said.trim()}`;
}

/** Without its log it doesn't name files; its exit code is 0 whatever it finds. */
function verify(call: CallPgBackRest, signal: AbortSignal): Promise<string> {
  return callInTurn(call, ["--log-level-console=info", "--output=text", "--verbose", "verify"], signal);
}

const filesNamed = 5;

/** The first files that aren't as they were written: `invalid checksum '20261126-081956F/pg_data/base/1/1247.gz'` */
function filesIn(report: string): string[] {
  const lines = report.matchAll(/ INFO: ((?:invalid|missing|other)[^'\n]* '[^'\n]+')/g);
  return [...lines].map(([, file = ""]) => file).slice(0, filesNamed);
}

interface Verdict {
  /** `backup: 20261125-211436F`, `archiveId: 15-1` */
  readonly what: string;
  readonly isValid: boolean;
  /** Its own words, on one line. */
  readonly text: string;
}

/** Of each backup and archive in what `verify` says. */
function verdictsIn(report: string): Verdict[] {
  const blocks = report.match(/^ {2}(?:backup|archiveId): .*(?:\n {4}.*)*/gm) ?? [];
  return blocks.map((block) => {
    const text = block.trim().replace(/\s*\n\s*/g, ", ");
    const [what = ""] = text.split(",");
    const counts = [...text.matchAll(/(?:missing|invalid|other): (\d+)/g)].map(([, count]) => Number(count));
    const status = /status: ([^,]*)/.exec(text)?.[1] ?? "valid";
    return { what, text, isValid: status === "valid" && counts.every((count) => count === 0) };
  });
}

const infoSchema = z
  .array(
    z.object({
      status: z.object({ code: z.int(), message: z.string() }),
      backup: z.array(
        z.object({
          label: z.string(),
          /** Pages whose checksum doesn't fit; older versions don't tell. */
          error: z.boolean().nullish(),
          timestamp: z.object({ start: z.int(), stop: z.int() }),
          archive: z.object({ start: z.string(), stop: z.string() }),
        }),
      ),
      archive: z.array(z.object({ min: z.string().nullable(), max: z.string().nullable() })),
    }),
  )
  .length(1);

interface Info {
  /** Oldest first. */
  readonly backups: z.infer<typeof infoSchema>[number]["backup"];
  readonly archives: readonly { readonly min: string; readonly max: string }[];
}

/** No stanza yet, or a stanza without a backup. */
const nothingYet = [1, 2];

async function readInfo(call: CallPgBackRest): Promise<Info> {
  const args = ["--output=json", "info"];
  const { exitCode, output, errors } = await call(args);
  if (exitCode !== 0) throw new DatabaseError(failureOf(args, exitCode, errors));
  const [stanza] = infoSchema.parse(JSON.parse(output));
  if (stanza === undefined) return { backups: [], archives: [] };
  const { status, backup, archive } = stanza;
  if (status.code !== 0 && !nothingYet.includes(status.code)) {
    throw new DatabaseError(`pgBackRest: found ${status.message}, expected a repository that can be read`);
  }
  return {
    backups: backup,
    archives: archive.flatMap(({ min, max }) => (min === null || max === null ? [] : [{ min, max }])),
  };
}

function labels(backups: Info["backups"]): string {
  return backups.map(({ label }) => label).join(", ") || "(there is none)";
}
