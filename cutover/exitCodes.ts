/** How `cutover` ends, for scripts; documented in docs/cutover-command.md. */
export const exitCodes = {
  done: 0,
  /** Nothing was moved, unless the message says so. */
  failed: 1,
  /** The command line, or the stack file, can't be understood. */
  usage: 2,
  /** The rules refuse it. */
  refused: 3,
  /** Traffic is where it shall be, but git or the stack's state doesn't say so yet. */
  notRecorded: 4,
  /** Somebody else's update is running. */
  locked: 5,
  /** Too little is measured to say more; nothing was moved. */
  held: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
