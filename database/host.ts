import type { DatabaseAddress } from "./instance";

/** A finished backup of an instance. */
export interface Backup {
  /** Unique within its instance; as its keeper calls it. */
  readonly label: string;
  readonly finishedAt: Date;
}

/** An instance made from a backup, for trying a step on, and thrown away afterwards. */
export interface Shadow {
  readonly address: DatabaseAddress;
  /** Deletes it with all that it holds. */
  dispose(): Promise<void>;
}

/** An instance made by a restore, which runs for whoever looks at what it holds. */
export interface Restored {
  readonly address: DatabaseAddress;
  /** Leaves it to the program, which runs it from the next update on: what it holds stays, its address doesn't. */
  handOver(): Promise<void>;
}

/** The moments that a restore can go back to. */
export interface Recoverable {
  readonly from: Date;
  /** All that was committed until then is where a restore finds it, or can be put there. */
  readonly to: Date;
  /** Why the server itself can't be asked, which has put away nothing after `to`. @default it answers */
  readonly unanswered?: string;
}

/** What keeps a target's instances: PostgreSQL in the cluster with pgBackRest, or RDS. The rest can't tell which. */
export interface DatabaseHost {
  /**
   * Makes a full backup and proves that it can be read back.
   * @param name what it is for; part of its label where labels can be chosen
   * @throws DatabaseError
   */
  backUp(instance: string, name: string, signal: AbortSignal): Promise<Backup>;
  /** Finished ones, newest first. */
  backups(instance: string): Promise<readonly Backup[]>;
  /** Resolves when the shadow answers. @throws DatabaseError a backup that doesn't verify, or can't be restored */
  shadow(instance: string, backup: Backup, signal: AbortSignal): Promise<Shadow>;
  /** The moments that `restore` can go back to; undefined while there are none. */
  recoverable(instance: string): Promise<Recoverable | undefined>;
  /** Whether `restore` has done that before, and what it made is there. */
  isRestored(instance: string, to: Date, as: string): Promise<boolean>;
  /**
   * A new instance beside the old one, as the old one was at `to`; resolves when it answers. One that was made already
   * for the same moment is taken as it is. The old one need not run.
   * @throws DatabaseError when it can't be done; nothing is left of it then
   */
  restore(instance: string, to: Date, as: string, signal: AbortSignal): Promise<Restored>;
  /** Deletes the shadows, and what else was made for it, of commands that were killed. @returns their names */
  deleteLeft(instance: string): Promise<readonly string[]>;
}

/** What a user can act on: said in its own words, without a stack trace. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}
