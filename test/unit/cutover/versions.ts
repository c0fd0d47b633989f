import type { RoutedTargetName } from "../../../catalog";
import type { FileCommit, Version } from "../../../cutover/fileHistory";
import { stateOfValues } from "../../../cutover/fileState";
import type { CarriedOut, StackRecord } from "../../../cutover/stackRecord";
import { stackRecordOf } from "../../../cutover/stackRecord";
import type { Update } from "../../../cutover/updateHistory";
import { stackFile } from "../config/stackFile";
import type { File } from "../config/stackFile";
import { hours } from "./situations";

/** Histories of a stack file, told by what each commit made of it. */

export interface Edit {
  /** Merged into a valid file. */
  readonly file?: File;
  /** Why nothing of it can be read, instead. */
  readonly unreadable?: string;
  /** Hours after `start`. */
  readonly at?: number;
  readonly summary?: string;
  readonly good?: string;
}

export function version({ file = {}, unreadable, at = 0, summary = "edit", good }: Edit, index = 0): Version {
  const commit: FileCommit = {
    id: String(index).padStart(40, "0"),
    at: hours(at),
    by: "ops",
    summary,
    ...(good !== undefined && { good }),
  };
  return { commit, state: unreadable === undefined ? stateOfValues(stackFile(file)) : { unreadable } };
}

/** Oldest first. */
export function versions(...edits: readonly Edit[]): Version[] {
  return edits.map(version);
}

export interface Run extends Partial<Pick<Update, "result" | "seconds" | "isEmpty">> {
  readonly file?: File;
  /** Hours after `start`. */
  readonly at: number;
}

export function update({ file = {}, at, ...rest }: Run): Update {
  return {
    startedAt: hours(at),
    seconds: 30,
    result: "succeeded",
    isEmpty: false,
    message: "",
    state: stateOfValues(stackFile(file)),
    ...rest,
  };
}

export function stackRecord(edits: readonly Edit[], runs: readonly Run[] = []): StackRecord {
  return stackRecordOf({ versions: versions(...edits), isShallow: false }, runs.map(update));
}

export function transitionsOf(
  target: RoutedTargetName | "infrastructure",
  { transitions }: StackRecord,
): readonly CarriedOut[] {
  return transitions.filter((each) => each.target === target);
}
