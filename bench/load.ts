import { setTimeout as sleep } from "node:timers/promises";
import { startAttack } from "../local/load/attack";
import { type Shot, hasFailed } from "../local/load/shot";
import { gatewayAddress } from "../local/platform/gateway";
import type { World } from "./world";

export const ratePerSecond = 300;
const maxSeconds = 180;
/** Before the work begins, and after it has ended, in ms. */
const settleMs = 1000;

/** Whom the load asks. */
export interface Asked {
  /** Asked as `<target>.localhost`. */
  readonly target: string;
  /** Answer header that names who answered. @default the one that the stack's routes set */
  readonly backendHeader?: string;
}

/** All requests, at a constant rate, from a second before `work` until a second after it. */
export async function shotsDuring(
  { tools, signal }: World,
  asked: Asked,
  work: (shots: readonly Shot[]) => Promise<void>,
): Promise<readonly Shot[]> {
  const shots: Shot[] = [];
  const options = {
    vegeta: tools.path("vegeta"),
    gateway: gatewayAddress,
    targets: [asked.target],
    ratePerSecond,
    maxSeconds,
    signal,
    onShot: (shot: Shot) => shots.push(shot),
    ...(asked.backendHeader !== undefined && { backendHeader: asked.backendHeader }),
  };
  const attack = startAttack(options);
  try {
    await Promise.race([sleep(settleMs, undefined, { signal }), attack.finished.then(() => sleep(settleMs))]);
    if (shots.length === 0 || shots.every(hasFailed)) {
      throw new Error(
        `${asked.target}: found no good answer within ${settleMs} ms, expected the load to be served`,
      );
    }
    await work(shots);
    await sleep(settleMs, undefined, { signal });
  } finally {
    await attack.stop();
  }
  return shots;
}
