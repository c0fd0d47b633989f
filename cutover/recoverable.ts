import type { RoutedTargetName } from "../catalog";
import type { DatabaseHost } from "../database/host";
import { formatTime } from "../migration";
import { Refused } from "./refused";

interface DatabaseToRestore {
  readonly instance: string;
  readonly host: Pick<DatabaseHost, "recoverable" | "isRestored">;
}

export interface WantedRestore {
  readonly to: Date;
  readonly as: string;
}

/**
 * A target's database must be able to go back to that moment, unless it was restored to it before.
 * @returns why the one in use doesn't answer, if so
 * @throws Refused
 */
export async function requireRecoverable(
  target: RoutedTargetName,
  { host, instance }: DatabaseToRestore,
  { to, as }: WantedRestore,
  now: Date,
): Promise<string | undefined> {
  const found = `${target}: found --to ${to.toISOString()}`;
  if (to > now) throw new Refused(`${found}, expected a moment that has been; nothing was changed`);
  const window = await host.recoverable(instance);
  if (await host.isRestored(instance, to, as)) return window?.unanswered;
  if (window === undefined)
    throw new Refused(`${found}, and no backup of ${instance} yet; nothing was changed`);
  if (to < window.from) {
    throw new Refused(
      `${found}, expected ${formatTime(window.from)} or later: there is no older backup of ${instance}; nothing was changed`,
    );
  }
  if (to > window.to) {
    const why =
      window.unanswered === undefined
        ? `nothing newer of ${instance} can be restored yet`
        : `${instance} doesn't answer, and its backups hold nothing newer (${window.unanswered})`;
    throw new Refused(
      `${found}, expected ${window.to.toISOString()} or earlier: ${why}; nothing was changed`,
    );
  }
  return window.unanswered;
}
