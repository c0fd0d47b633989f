import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../catalog";
import { alertText } from "./alert";
import type { Chat } from "./chat";
import type { Protect } from "./decide";
import { type Executor, type Protection, attempt } from "./executor";
import { notProtectedText, protectedText } from "./incident";
import type { Log } from "./log";

export interface ProtectorOptions {
  readonly executor: Executor;
  readonly chat: Chat;
  readonly log: Log;
}

const firstPauseMs = 2000;
const longestPauseMs = 60_000;

/**
 * Makes targets read-only, each once for as long as its alert lasts. It notes nothing for a guard after it: that one
 * is told of the alert again, and to do it twice changes nothing.
 */
export class Protector {
  private readonly begun = new Set<RoutedTargetName>();

  constructor(private readonly options: ProtectorOptions) {}

  /** What an alert asked for that isn't over. */
  get targets(): ReadonlySet<RoutedTargetName> {
    return this.begun;
  }

  add({ target, alert }: Protect): void {
    if (this.begun.has(target)) return;
    this.begun.add(target);
    void this.run({ target, because: alertText(alert), since: alert.startsAt });
  }

  /** The alert is over: the next one counts anew. */
  isOver(target: RoutedTargetName): void {
    this.begun.delete(target);
  }

  /** Until it is done, or the alert is over. */
  private async run(protection: Protection): Promise<void> {
    const { executor, chat, log } = this.options;
    const { target } = protection;
    const startedAt = performance.now();
    let wasTold = false;
    for (let pause = firstPauseMs; this.begun.has(target); pause = Math.min(2 * pause, longestPauseMs)) {
      const result = await attempt(() => executor.protect(protection));
      if (result.done) {
        const seconds = (performance.now() - startedAt) / 1000;
        log.info("read-only", { target, seconds, problems: result.problems });
        chat.say(protectedText(protection, seconds, result.problems));
        return;
      }
      log.error("not read-only yet", { target, why: result.why });
      if (!wasTold) chat.say(notProtectedText(protection, result.why));
      wasTold = true;
      await sleep(pause, undefined, { ref: false });
    }
  }
}
