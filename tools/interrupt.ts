import os from "node:os";

/** Ctrl-C, or another request to end, arrived while work was under way; all of it has been undone. */
export class Interrupted extends Error {
  /** What a shell expects of a process that ended for this reason. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + os.constants.signals[signal];
  }
}

const endings: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Does work that has to clean up when the user wants out: instead of ending
 * the process, a signal aborts what `work` was given, and this rejects with
 * `Interrupted` once `work` has ended.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => controller.abort(new Interrupted(signal));
  for (const signal of endings) process.on(signal, interrupt);
  try {
    const result = await work(controller.signal);
    // Work that mustn't be broken off has gone on to its end; nothing is to follow it.
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    // A timer's own words for it are that it was aborted.
    const isAborted = error instanceof Error && error.cause === controller.signal.reason;
    throw isAborted && controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const signal of endings) process.off(signal, interrupt);
  }
}
