/** How long an update may take to start when it shall be ended, in ms; nothing could end it otherwise if it hung there. */
const patience = 5_000;

/** When to send a running `pulumi` the signal that ends it. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Tells that Pulumi handles signals by now. */
  started(): void;
  /** Forgets about all when `pulumi` has ended. */
  close(): void;
}

/**
 * Follows `wanted`, but not before Pulumi has started. It locks the stack some time before it handles signals: one in
 * between kills it at once, and the lock stays.
 */
export function stopOnceStarted(wanted: AbortSignal | undefined): Stop {
  const stop = new AbortController();
  let hasStarted = false;
  let timer: NodeJS.Timeout | undefined;
  const abort = (): void => stop.abort();
  const onWanted = (): void => {
    if (hasStarted) abort();
    else timer = setTimeout(abort, patience);
  };
  wanted?.addEventListener("abort", onWanted, { once: true });
  return {
    signal: stop.signal,
    started() {
      hasStarted = true;
      if (wanted?.aborted === true) abort();
    },
    close() {
      clearTimeout(timer);
      wanted?.removeEventListener("abort", onWanted);
    },
  };
}
