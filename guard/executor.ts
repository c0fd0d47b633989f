import type { RoutedTargetName } from "../catalog";
import { reason } from "../cluster/thrown";
import type { Intent } from "./intents";

/** What became of an attempt to record. */
export type Recorded =
  | {
      readonly done: true;
      /** What somebody should see all the same. */ readonly problems: readonly string[];
    }
  | { readonly done: false; readonly why: string };

/** A target whose data is in danger. */
export interface Protection {
  readonly target: RoutedTargetName;
  /** The alert, for the commit's message. */
  readonly because: string;
  /** When the alert began. Whoever has ended read-only after that has seen it, and isn't contradicted. */
  readonly since: Date;
}

/** Brings git and state to where the traffic is already. Each call may be repeated after a crash. */
export interface Executor {
  /** Makes a target read-only, if it isn't. Nothing here lets it write again: a human does. */
  protect(protection: Protection): Promise<Recorded>;
  /** Level 1. */
  record(intent: Intent): Promise<Recorded>;
  /** Level 2: files, workflows and pins to the newest good state that has all traffic where it is now. */
  recordTogether(intents: readonly Intent[]): Promise<Recorded>;
}

/** What went wrong on the way is the attempt's outcome. */
export async function attempt(work: () => Promise<Recorded>): Promise<Recorded> {
  try {
    return await work();
  } catch (error) {
    return { done: false, why: reason(error) };
  }
}
