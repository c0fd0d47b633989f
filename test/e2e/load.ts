import assert from "node:assert/strict";
import type { RoutedTargetName } from "../../catalog";
import { startAttack } from "../../local/load/attack";
import { type LongAnswer, longAnswerFailed, startLongRequests } from "../../local/load/longRequests";
import { type Shot, hasFailed } from "../../local/load/shot";
import { gatewayAddress } from "../../local/platform/gateway";
import { tools } from "./world";

/** Load on one target for as long as `work` takes. */
export interface Load {
  /** Every request so far. */
  readonly shots: readonly Shot[];
  /** Does a switch with a slow and a streamed answer in flight. */
  readonly duringLongRequests: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Runs `work` under open-loop load and fails when any request, long ones included, was lost. */
export async function underLoad(
  target: RoutedTargetName,
  ratePerSecond: number,
  work: (load: Load) => Promise<void>,
): Promise<readonly Shot[]> {
  const shots: Shot[] = [];
  const longAnswers: Promise<LongAnswer[]>[] = [];
  const attack = startAttack({
    vegeta: (await tools()).path("vegeta"),
    gateway: gatewayAddress,
    targets: [target],
    ratePerSecond,
    maxSeconds: 600,
    onShot: (shot) => shots.push(shot),
  });
  try {
    await Promise.race([
      work({
        shots,
        duringLongRequests: async (inner) => {
          const long = startLongRequests({ gateway: gatewayAddress, target });
          longAnswers.push(long.finished);
          await long.sent;
          return inner();
        },
      }),
      attack.finished.then(() => assert.fail("the load ended before the work did")),
    ]);
  } finally {
    await attack.stop();
  }
  assert.deepEqual((await Promise.all(longAnswers)).flat().filter(longAnswerFailed), []);
  assert.deepEqual(shots.filter(hasFailed).slice(0, 5), []);
  return shots;
}
