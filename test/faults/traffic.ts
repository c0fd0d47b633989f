import { attackLimits, startAttack } from "../../local/load/attack";
import { type Shot, hasFailed, receivedAt } from "../../local/load/shot";
import { gatewayAddress } from "../../local/platform/gateway";
import { Latencies } from "./latencies";

export interface TrafficOptions {
  readonly vegeta: string;
  readonly targets: readonly string[];
  /** Over all targets together. */
  readonly ratePerSecond: number;
  /** Called for each answer. */
  readonly onShot?: (shot: Shot) => void;
}

/** A time in which the data plane itself is down, or a backend has nobody left who could answer. */
interface Outage {
  readonly from: number;
  to: number;
}

/** Load for as long as it is wanted, one attack after the other, and what became of it. Keeps failures only. */
export class Traffic {
  requests = 0;
  readonly latencies = new Latencies();
  private readonly failures: Shot[] = [];
  private readonly outages: Outage[] = [];
  private attack: ReturnType<typeof startAttack> | undefined;
  private isEnding = false;
  private readonly running: Promise<void>;

  constructor(private readonly options: TrafficOptions) {
    this.running = this.run();
    this.running.catch(() => undefined);
  }

  /** What was lost while the data plane was alive. */
  get lost(): readonly Shot[] {
    return this.failures.filter((shot) => !this.isExcused(shot));
  }

  /** What was lost in an outage. */
  get excused(): number {
    return this.failures.length - this.lost.length;
  }

  /** An outage begins. @returns ends it */
  outage(): () => void {
    const outage = { from: Date.now(), to: Infinity };
    this.outages.push(outage);
    return () => (outage.to = Date.now());
  }

  /** Rejects when the load ends although nobody ended it. */
  get ended(): Promise<void> {
    return this.running.then(() => {
      if (!this.isEnding) throw new Error("the load ended before the work did");
    });
  }

  /** Sends no more, and waits for the answers in flight. */
  async stop(): Promise<void> {
    this.isEnding = true;
    await this.attack?.stop();
    await this.running;
  }

  private isExcused(shot: Shot): boolean {
    return this.outages.some(({ from, to }) => shot.sentAt <= to && receivedAt(shot) >= from);
  }

  private async run(): Promise<void> {
    const { vegeta, targets, ratePerSecond, onShot } = this.options;
    const maxSeconds = Math.min(attackLimits.seconds, Math.floor(attackLimits.requests / ratePerSecond));
    while (!this.isEnding) {
      this.attack = startAttack({
        vegeta,
        gateway: gatewayAddress,
        targets,
        ratePerSecond,
        maxSeconds,
        onShot: (shot) => {
          this.requests += 1;
          if (hasFailed(shot)) this.failures.push(shot);
          else this.latencies.add(shot.latencyMs);
          onShot?.(shot);
        },
      });
      await this.attack.finished;
    }
  }
}

/** Runs `work` under load. @throws what `work` throws, or Error naming the first requests that were lost */
export async function underTraffic<T>(
  options: TrafficOptions,
  work: (traffic: Traffic) => Promise<T>,
): Promise<T> {
  const traffic = new Traffic(options);
  try {
    const result = await Promise.race([work(traffic), never(traffic.ended)]);
    await traffic.stop();
    return result;
  } finally {
    await traffic.stop();
    assertNoneLost(traffic);
  }
}

export function assertNoneLost({ lost, requests }: Traffic): void {
  if (lost.length === 0) return;
  const [first] = lost;
  const when = [...new Set(lost.map(({ sentAt }) => new Date(sentAt).toISOString().slice(11, 21)))];
  throw new Error(
    `${lost.length} of ${requests} requests were lost, at ${when.slice(0, 8).join(", ")}; the first: ${JSON.stringify(first)}`,
  );
}

/** Settles only when `promise` rejects. */
function never(promise: Promise<unknown>): Promise<never> {
  return promise.then(() => new Promise<never>(() => undefined));
}
