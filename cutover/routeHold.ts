import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { watchRoute } from "../cluster/routeWatch";
import { writeRoute } from "../cluster/routeWriter";
import type { StackConfig } from "../config/parse";
import { type LiveRoute, type Split, formatSplit, isTampered, splitsEqual } from "../migration";
import { routeFor } from "./fastRoad";
import { reason } from "../cluster/thrown";

export interface RouteHoldOptions {
  readonly api: KubeApi;
  readonly config: StackConfig;
  readonly target: RoutedTargetName;
  /** The split to hold. */
  readonly split: Split;
  /** Told of each time that somebody else's write was undone, or couldn't be. */
  readonly onTaken: (text: string) => void;
}

/**
 * Holds a route until an update has recorded it: an update that was already running, or a hand, would overwrite it
 * silently. Whatever else is written is replaced at once.
 */
export class RouteHold {
  private readonly end = new AbortController();
  private readonly watching: Promise<void>;
  /** The newest state that differs; `undefined` in it is a deleted route. */
  private taken: { readonly live: LiveRoute | undefined } | undefined;
  private writing: Promise<void> | undefined;

  constructor(private readonly options: RouteHoldOptions) {
    const { api, config, target, onTaken } = options;
    const { signal } = this.end;
    this.watching = watchRoute(
      api,
      config.platform.namespace,
      target,
      (live) => this.see(live),
      signal,
    ).catch((error: unknown) => onTaken(`${target}'s route is watched no longer: ${reason(error)}`));
  }

  async stop(): Promise<void> {
    await this.writing;
    this.end.abort();
    await this.watching;
  }

  private see(live: LiveRoute | undefined): void {
    const { split } = this.options;
    const isHeld = live !== undefined && !isTampered(live) && splitsEqual(live.split, split);
    this.taken = isHeld ? undefined : { live };
    if (!isHeld) this.writing ??= this.writeUntilHeld().finally(() => (this.writing = undefined));
  }

  private async writeUntilHeld(): Promise<void> {
    const { api, config, target, split, onTaken } = this.options;
    while (this.taken !== undefined && !this.end.signal.aborted) {
      const { live } = this.taken;
      this.taken = undefined;
      const found =
        live === undefined ? "no route" : isTampered(live) ? live.tampered : formatSplit(live.split);
      try {
        await writeRoute(api, target, routeFor(config, target, live, split, api.now()));
        onTaken(`somebody else wrote ${target}'s route (${found}); it is back at ${formatSplit(split)}`);
      } catch (error) {
        onTaken(
          `somebody else wrote ${target}'s route (${found}), and it can't be written back: ${reason(error)}`,
        );
      }
    }
  }
}
