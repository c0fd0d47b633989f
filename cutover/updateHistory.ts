import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { routedTargets } from "../catalog";
import { run } from "../tools/child";
import type { FileCommit, Version } from "./fileHistory";
import { type FileState, type Told, isUnreadable, stateOfValues } from "./fileState";
import type { Project } from "./project";
import { reason } from "../cluster/thrown";

/** An update as Pulumi recorded it. */
export interface Update {
  readonly startedAt: Date;
  /** Absent while it runs, or if it was killed. */
  readonly seconds?: number;
  readonly result: "succeeded" | "failed" | "unfinished";
  /** It succeeded and had nothing to do. */
  readonly isEmpty: boolean;
  readonly message: string;
  /** What its config asked for. Keys that hold secrets aren't told, and are absent. */
  readonly state: FileState;
}

/** The stack's updates, oldest first; or why they can't be had. Reads no secret. */
export async function readUpdates({ dir, stack }: Project): Promise<Told<readonly Update[]>> {
  let json: string;
  try {
    const args = ["stack", "history", "--json", "--stack", stack, "--page-size", String(mostUpdates)];
    json = await run("pulumi", args, { cwd: dir, env: { PULUMI_SKIP_UPDATE_CHECK: "true" } });
  } catch (error) {
    return { unreadable: `pulumi stack history: ${reason(error).trim().split("\n").at(-1) ?? ""}` };
  }
  try {
    return parseUpdates(json);
  } catch {
    return { unreadable: "pulumi stack history: found something else than a list of updates" };
  }
}

/** More than any migration makes; without a figure Pulumi tells the last ten. */
const mostUpdates = 100_000;

const updatesSchema = z.array(
  z.object({
    kind: z.string(),
    startTime: z.coerce.date(),
    endTime: z.coerce.date().optional(),
    message: z.string().default(""),
    result: z.string(),
    config: z
      .record(
        z.string(),
        z.object({ secret: z.boolean().default(false), objectValue: z.unknown().optional() }),
      )
      .default({}),
    resourceChanges: z.record(z.string(), z.number()).default({}),
  }),
);

/** @param json as `pulumi stack history --json` prints it */
export function parseUpdates(json: string): Update[] {
  return updatesSchema
    .parse(JSON.parse(json))
    .filter(({ kind }) => kind === "update")
    .map(({ startTime, endTime, message, result: told, config, resourceChanges }): Update => {
      const result = told === "succeeded" || told === "failed" ? told : "unfinished";
      const hasEnded = result !== "unfinished";
      const isEmpty = result === "succeeded" && Object.keys(resourceChanges).every(changesNothing);
      return {
        startedAt: startTime,
        ...(hasEnded &&
          endTime !== undefined && { seconds: (endTime.getTime() - startTime.getTime()) / 1000 }),
        result,
        isEmpty,
        message,
        state: stateOfValues(
          Object.fromEntries(Object.entries(config).map(([key, { objectValue }]) => [key, objectValue])),
        ),
      };
    })
    .reverse();
}

function changesNothing(operation: string): boolean {
  return ["same", "read", "refresh"].includes(operation);
}

/**
 * Which updates carried out which version, oldest first: the newest version that was committed before the update and
 * asks for what the update's own config asked for. An update of anything else, as of an edit that was never committed,
 * is no version's.
 */
export function updatesByCommit(
  versions: readonly Version[],
  updates: readonly Update[],
): ReadonlyMap<FileCommit["id"], readonly Update[]> {
  const found = new Map<string, Update[]>();
  for (const update of updates) {
    const version = versions.findLast(
      ({ commit, state }) =>
        commit.at <= update.startedAt && !isUnreadable(state) && asksForTheSame(state, update.state),
    );
    if (version === undefined) continue;
    const { id } = version.commit;
    found.set(id, [...(found.get(id) ?? []), update]);
  }
  return found;
}

/** In all that the update tells of; something must be told. */
function asksForTheSame(file: FileState, update: FileState): boolean {
  if (isUnreadable(update.owner) || update.owner !== file.owner) return false;
  return routedTargets.every((target) => {
    const told = update.targets.get(target);
    return told === undefined || isUnreadable(told) || isDeepStrictEqual(told, file.targets.get(target));
  });
}
