import { reason } from "../cluster/thrown";
import type { Lease } from "./lease";
import type { Log } from "./log";
import type { GuardMetrics } from "./metrics";

/** Whether this guard is the one that acts. */
export class Leadership {
  /** Until when nobody else can have taken over, by `performance.now()`. */
  private until = 0;

  constructor(
    private readonly lease: Lease | undefined,
    private readonly log: Log,
    private readonly metrics: GuardMetrics,
  ) {}

  get isMine(): boolean {
    return this.lease === undefined || performance.now() < this.until;
  }

  /** Takes or renews it. */
  async renew(): Promise<void> {
    const { lease, log } = this;
    const was = this.isMine;
    if (lease !== undefined) {
      // Others count from when they see the renewal, which is later than this.
      const asked = performance.now();
      try {
        if (await lease.acquire()) this.until = asked + lease.options.seconds * 1000;
        else this.until = 0;
      } catch (error) {
        log.error("the lease can't be renewed", { why: reason(error) });
      }
    }
    this.metrics.leader.set(this.isMine ? 1 : 0);
    if (was !== this.isMine) log.info(this.isMine ? "this guard acts" : "another guard acts");
  }

  async release(): Promise<void> {
    if (this.lease === undefined || !this.isMine) return;
    this.until = 0;
    await this.lease.release().catch(() => undefined);
  }
}
