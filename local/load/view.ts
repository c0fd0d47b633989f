import { LiveView } from "./liveView";
import { PlainView } from "./plainView";
import type { Shot } from "./shot";
import { isInteractive } from "../../terminal/output";
import type { Output } from "../../terminal/output";

/** Shows a person, or a log, who answers and what is being done. */
export interface View {
  /** The step that begins now; the one before is over. */
  step(name: string): void;
  /** A line to keep, such as a tool's output. */
  note(text: string): void;
  shot(shot: Shot): void;
  /** Ends the last step and stops drawing; what is on the screen stays. */
  close(): void;
}

/** A live view on a terminal, plain lines anywhere else. Until `close`, nothing else may write to `output`. */
export function createView(output: Output, options: { targets: readonly string[] }): View {
  return isInteractive(output)
    ? new LiveView(output, options.targets)
    : new PlainView(output, options.targets);
}
