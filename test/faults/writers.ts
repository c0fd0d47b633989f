import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import { gatewayAddress } from "../../local/platform/gateway";
import ports from "../../local/ports.json";

export interface WritersOptions {
  readonly target: RoutedTargetName;
  /** How many write at once. */
  readonly writers: number;
  /** Between two writes of one writer, in milliseconds. */
  readonly pauseMs: number;
}

/** A number that was written, and what became of it. */
interface Write {
  readonly number: number;
  readonly firstTriedAt: number;
  acknowledgedAt?: number;
  /** Answers that were no acknowledgement. */
  refusals: string[];
}

export interface Missed {
  readonly lost: readonly number[];
  readonly doubled: number;
  readonly unread: readonly string[];
}

/** How long a write may be tried for. */
const patienceMs = 60_000;
const pauseAfterFailureMs = 50;

/**
 * Users who write numbered records through the Gateway, and read each of them once it is acknowledged: whoever
 * answers. A number that isn't acknowledged is tried again, until it is.
 */
export class Writers {
  private readonly writes = new Map<number, Write>();
  /** What a reader didn't find, though it was acknowledged. */
  private readonly unread: string[] = [];
  private next = 1;
  private isEnding = false;
  private readonly agent = new http.Agent({ keepAlive: true });
  private running: readonly Promise<void>[] = [];

  constructor(private readonly options: WritersOptions) {}

  start(): void {
    this.isEnding = false;
    this.running = Array.from({ length: this.options.writers }, () => this.write());
    // Whoever stops them is told.
    for (const each of this.running) each.catch(() => undefined);
  }

  /** Sends no more; what was begun is tried until it is acknowledged. */
  async stop(): Promise<void> {
    this.isEnding = true;
    await Promise.all(this.running);
    this.running = [];
  }

  close(): void {
    this.agent.destroy();
  }

  /** Of what was first tried since then. */
  since(from: number): {
    readonly acknowledged: number;
    readonly failedAnswers: number;
    readonly stallMs: number;
  } {
    const writes = [...this.writes.values()].filter(({ firstTriedAt }) => firstTriedAt >= from);
    return {
      acknowledged: writes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length,
      failedAnswers: writes.reduce((sum, { refusals }) => sum + refusals.length, 0),
      stallMs: Math.max(
        0,
        ...writes.map(({ firstTriedAt, acknowledgedAt = Date.now() }) => acknowledgedAt - firstTriedAt),
      ),
    };
  }

  /** What is wrong with `stored`, the numbers that are there: acknowledged and missing, or there twice; or not found by its reader. */
  missed(stored: readonly number[]): Missed {
    const kept = new Set(stored);
    const lost = [...this.writes.values()]
      .filter(({ number, acknowledgedAt }) => acknowledgedAt !== undefined && !kept.has(number))
      .map(({ number }) => number);
    return { lost, doubled: stored.length - kept.size, unread: [...this.unread] };
  }

  /** @throws AssertionError for an acknowledged number that isn't among `stored`, or one that is there twice */
  assertKept(stored: readonly number[]): void {
    assert.deepEqual(this.missed(stored), { lost: [], doubled: 0, unread: [] });
  }

  private async write(): Promise<void> {
    while (!this.isEnding) {
      const number = this.next++;
      const write: Write = { number, firstTriedAt: Date.now(), refusals: [] };
      this.writes.set(number, write);
      await this.untilAcknowledged(write);
      const { status } = await this.untilAnswered(number);
      if (status !== 200) this.unread.push(`${number}: ${status}`);
      await sleep(this.options.pauseMs);
    }
  }

  private async untilAcknowledged(write: Write): Promise<void> {
    while (Date.now() < write.firstTriedAt + patienceMs) {
      const answer = await this.ask("POST", write.number);
      // One that was refused may have been written all the same: then it is there already.
      if (answer.status === 201 || (answer.status === 409 && write.refusals.length > 0)) {
        write.acknowledgedAt = Date.now();
        return;
      }
      write.refusals.push(answer.text);
      await sleep(pauseAfterFailureMs);
    }
    throw new Error(`record ${write.number}: not acknowledged: ${[...new Set(write.refusals)].join("; ")}`);
  }

  /** Reads until the database answers at all. */
  private async untilAnswered(number: number): Promise<Answer> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const answer = await this.ask("GET", number);
      if ((answer.status > 0 && answer.status < 500) || Date.now() > deadline) return answer;
      await sleep(pauseAfterFailureMs);
    }
  }

  private ask(method: "GET" | "POST", number: number): Promise<Answer> {
    const [host] = gatewayAddress.split(":");
    const { target } = this.options;
    return new Promise((resolve) => {
      const request = http.request(
        {
          ...{ method, host, port: ports.envoy, path: `/records/${number}`, agent: this.agent },
          ...{ headers: { host: `${target}.localhost` }, timeout: 15_000 },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (part: string) => (text += part));
          answer.on("error", (error) => resolve({ status: 0, text: error.message }));
          answer.on("end", () =>
            resolve({ status: answer.statusCode ?? 0, text: `${answer.statusCode ?? 0} ${text.trim()}` }),
          );
        },
      );
      request.on("timeout", () => request.destroy(new Error("no answer within 15 s")));
      request.on("error", (error) => resolve({ status: 0, text: error.message }));
      request.end();
    });
  }
}

interface Answer {
  /** 0 without one. */
  readonly status: number;
  readonly text: string;
}
