import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../catalog";
import { reason } from "../cluster/thrown";
import type { Chat } from "./chat";
import { type Executor, attempt } from "./executor";
import { notRecordedText, recordedText } from "./incident";
import type { Intent, Intents } from "./intents";
import type { Log } from "./log";
import type { GuardMetrics } from "./metrics";

export interface RecorderOptions {
  readonly executor: Executor;
  readonly intents: Intents;
  readonly chat: Chat;
  readonly log: Log;
  readonly metrics: GuardMetrics;
  /** Whether what several targets need at this moment is one incident of level 2. */
  readonly isTogether: () => boolean;
}

interface Pending {
  readonly intent: Intent;
  readonly movedAt: number;
  /** Lets go of the route: it is recorded. */
  readonly onRecorded: () => Promise<void>;
  wasTold: boolean;
}

/** The traffic is back, nothing is urgent: what comes within this time is recorded together, in ms. */
const settleMs = 1000;
const firstPauseMs = 2000;
const longestPauseMs = 60_000;

/** Has what was moved recorded, one thing after the other, until it is. */
export class Recorder {
  private readonly pending = new Map<RoutedTargetName, Pending>();
  private running: Promise<void> | undefined;

  constructor(private readonly options: RecorderOptions) {}

  add(intent: Intent, onRecorded: () => Promise<void>): void {
    this.options.metrics.unrecorded.set({ target: intent.target }, 1);
    this.pending.set(intent.target, { intent, movedAt: performance.now(), onRecorded, wasTold: false });
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  private async run(): Promise<void> {
    let pause = firstPauseMs;
    await sleep(settleMs);
    while (this.pending.size > 0) {
      const before = this.pending.size;
      await this.recordAll([...this.pending.values()]);
      if (this.pending.size === 0) return;
      if (this.pending.size < before) pause = firstPauseMs;
      await sleep(pause);
      pause = Math.min(2 * pause, longestPauseMs);
    }
  }

  private async recordAll(batch: readonly Pending[]): Promise<void> {
    const { executor, isTogether, log } = this.options;
    const intents = batch.map(({ intent }) => intent);
    if (isTogether()) {
      const together = await attempt(() => executor.recordTogether(intents));
      if (together.done) return this.finish(batch, 2, together.problems);
      log.info("level 2 can't be recorded, so each target is by itself", { why: together.why });
    }
    for (const each of batch) {
      const { target } = each.intent;
      const recorded = await attempt(() => executor.record(each.intent));
      if (recorded.done) await this.finish([each], 1, recorded.problems);
      else this.fail(each, target, recorded.why);
    }
  }

  private async finish(batch: readonly Pending[], level: 1 | 2, problems: readonly string[]): Promise<void> {
    const { intents, chat, log, metrics } = this.options;
    for (const { intent, onRecorded } of batch) {
      const { target } = intent;
      await onRecorded();
      await intents
        .end(target)
        .catch((error: unknown) =>
          log.error("a finished rollback is still noted", { target, why: reason(error) }),
        );
      this.pending.delete(target);
      metrics.unrecorded.set({ target }, 0);
      metrics.rollback(target, "recorded");
    }
    const movedAt = Math.min(...batch.map((each) => each.movedAt));
    const seconds = (performance.now() - movedAt) / 1000;
    const targets = batch.map(({ intent }) => intent.target);
    log.info("recorded: route, git and state agree", { targets, rollbackLevel: level, seconds, problems });
    chat.say(
      recordedText(
        batch.map(({ intent }) => intent),
        level,
        seconds,
        problems,
      ),
    );
  }

  private fail(each: Pending, target: RoutedTargetName, why: string): void {
    const { chat, log } = this.options;
    log.error("not recorded yet", { target, why });
    if (!each.wasTold) chat.say(notRecordedText(each.intent, why));
    each.wasTold = true;
  }
}
