import { acquireLock } from "../tools/lock";

/** Beside the platform's state, not in it: stopping deletes that while it holds the lock. */
const lockFile = "/run/lock/pyairtable-local.lock";

/** One start or stop of the platform at a time on this machine, whichever checkout asks; a crash releases it. */
export async function withPlatformLock<T>(work: () => Promise<T>): Promise<T> {
  const release = await acquireLock(lockFile, () =>
    process.stderr.write("Waiting for another start or stop of the local platform to end …\n"),
  );
  try {
    return await work();
  } finally {
    release();
  }
}
