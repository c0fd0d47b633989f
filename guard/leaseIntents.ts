import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { reason } from "../cluster/thrown";
import { formatSplit, parseSplit } from "../migration";
import type { Intent, Intents } from "./intents";
import type { Lease } from "./lease";

const prefix = "pyairtable.dev/rollback-";

const noted = z.object({ split: z.string(), from: z.string(), because: z.string(), since: z.coerce.date() });

/** In annotations of the guard's Lease, where the next leader finds them. */
export class LeaseIntents implements Intents {
  /** By this guard, which is at work on them. */
  private readonly begun = new Set<RoutedTargetName>();

  constructor(private readonly lease: Lease) {}

  async begin({ target, split, ...rest }: Intent): Promise<string | undefined> {
    this.begun.add(target);
    try {
      await this.lease.annotate(prefix + target, JSON.stringify({ split: formatSplit(split), ...rest }));
      return undefined;
    } catch (error) {
      return reason(error);
    }
  }

  async end(target: RoutedTargetName): Promise<void> {
    await this.lease.annotate(prefix + target, null);
    this.begun.delete(target);
  }

  async left(): Promise<readonly Intent[]> {
    const annotations = await this.lease.annotations();
    return routedTargets.flatMap((target) => {
      const text = annotations[prefix + target];
      if (text === undefined || this.begun.has(target)) return [];
      const { split: splitText, ...rest } = noted.parse(JSON.parse(text));
      const split = parseSplit(splitText);
      return split === undefined ? [] : [{ target, split, ...rest }];
    });
  }
}
