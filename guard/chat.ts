import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../cluster/kubeApi";
import { reason } from "../cluster/thrown";
import type { Log } from "./log";
import type { GuardMetrics } from "./metrics";
import { readSecretFile } from "./secretFile";

export interface ChatOptions {
  /** Holds the webhook's URL. @default nobody is told */
  readonly urlFile: string | undefined;
  readonly log: Log;
  readonly metrics: GuardMetrics;
}

const attempts = 4;
const timeoutSeconds = 5;

/** Tells a chat's webhook. Nothing ever waits for it, and its failures are counted and logged, nothing more. */
export class Chat {
  constructor(private readonly options: ChatOptions) {}

  say(text: string): void {
    const { urlFile } = this.options;
    if (urlFile !== undefined) void this.deliver(urlFile, text);
  }

  private async deliver(urlFile: string, text: string): Promise<void> {
    const { log, metrics } = this.options;
    for (let tried = 1; ; tried += 1) {
      try {
        const url = new URL(readSecretFile(urlFile));
        const { status } = await ask(url, { method: "POST", body: { text }, timeoutSeconds });
        if (status < 300) return;
        throw new Error(`found status ${status}, expected 2xx`);
      } catch (error) {
        if (tried < attempts) {
          await sleep(tried * 2000);
          continue;
        }
        metrics.chatFailures.inc();
        // The URL is a secret, and an error of its parts may hold it.
        log.error("the chat was not told", { why: reason(error).slice(0, 200), text });
        return;
      }
    }
  }
}
