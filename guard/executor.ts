import type { Intent } from "./intents";

/** What became of an attempt to record. */
export type Recorded =
  | {
      readonly done: true;
      /** What somebody should see all the same. */ readonly problems: readonly string[];
    }
  | { readonly done: false; readonly why: string };

/** Brings git and state to where the traffic is already. Each call may be repeated after a crash. */
export interface Executor {
  /** Level 1. */
  record(intent: Intent): Promise<Recorded>;
  /** Level 2: files, workflows and pins to the newest good state that has all traffic where it is now. */
  recordTogether(intents: readonly Intent[]): Promise<Recorded>;
}
