import type { RoutedTargetName } from "../catalog";
import type { Split } from "../migration";

/** What the guard is about to do with one target, noted before it does it. */
export interface Intent {
  readonly target: RoutedTargetName;
  /** Where the traffic shall be. */
  readonly split: Split;
  /** Where it was, for people. */
  readonly from: string;
  /** The alert, for the commit's message. */
  readonly because: string;
  readonly since: Date;
}

/** Where intents outlive the guard that has them. */
export interface Intents {
  /** Never throws, so that it stands in no rollback's way. @returns why it couldn't be noted */
  begin(intent: Intent): Promise<string | undefined>;
  /** It is recorded. */
  end(target: RoutedTargetName): Promise<void>;
  /** What others have left who are no more at work on it. @throws Error when they can't be read */
  left(): Promise<readonly Intent[]>;
}
