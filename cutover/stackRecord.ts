import { type FileHistory, readFileHistory } from "./fileHistory";
import { type Told, isUnreadable } from "./fileState";
import type { Project } from "./project";
import { type Recorded, type Transition, replay } from "./transitions";
import { type Update, readUpdates, updatesByCommit } from "./updateHistory";
import type { RoutedTargetName } from "../catalog";

/** A transition with what became of it. */
export interface CarriedOut extends Transition {
  /** Oldest first; empty if none is known. */
  readonly updates: readonly Update[];
}

/** All that git and Pulumi have recorded of a stack. */
export interface StackRecord extends Pick<FileHistory, "isShallow"> {
  /** When the stack file was first committed. */
  readonly begins: Date;
  /** Oldest first. */
  readonly transitions: readonly CarriedOut[];
  readonly records: ReadonlyMap<RoutedTargetName, readonly Recorded[]>;
  /** Oldest first. */
  readonly updates: Told<readonly Update[]>;
}

/** @throws GitError if the stack file is in no repository, or in no commit */
export async function readStackRecord(project: Project): Promise<StackRecord> {
  const [history, updates] = await Promise.all([
    readFileHistory(project.configFile, project.stack),
    readUpdates(project),
  ]);
  return stackRecordOf(history, updates);
}

export function stackRecordOf(
  { versions, isShallow }: FileHistory,
  updates: Told<readonly Update[]>,
): StackRecord {
  const carriedOut = isUnreadable(updates)
    ? new Map<string, readonly Update[]>()
    : updatesByCommit(versions, updates);
  const { transitions, records } = replay(versions);
  return {
    isShallow,
    begins: versions[0]?.commit.at ?? new Date(0),
    transitions: transitions.map((transition) => ({
      ...transition,
      updates: carriedOut.get(transition.commit.id) ?? [],
    })),
    records,
    updates,
  };
}
