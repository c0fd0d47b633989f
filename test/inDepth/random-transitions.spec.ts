import assert from "node:assert/strict";
import { routedTargets } from "../../catalog";
import { KubeApi } from "../../cluster/kubeApi";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { assertAgreed } from "../faults/agreement";
import { freshSeed, seeded } from "../faults/random";
import { commitTransitions } from "../faults/commitTransitions";
import { underTraffic } from "../faults/traffic";
import { type Transition, after as splitsAfter, allOnLegacy, randomTransitions } from "../faults/transitions";
import { cutover } from "../e2e/cutoverCommand";
import { stackOnLegacy, succeeded, tools } from "../e2e/world";

const transitions = 16;
/** Over all targets together. */
const ratePerSecond = 320;
/** Of the commits that bring one target back and do nothing else. */
const byCommand = 0.3;

describe("random transitions of all routed targets, under load on all of them", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("random-transitions");
    await stack.git("config", "user.name", "random");
    await stack.git("config", "user.email", "random@localhost");
  });

  it(`${transitions} forward and back lose no request, and file, state and cluster agree afterwards`, async function () {
    this.timeout(900_000);
    const seed = Number(process.env["SEED"] ?? freshSeed());
    process.stdout.write(`    seed ${seed} (repeat with SEED=${seed})\n`);
    const random = seeded(seed);
    const options = { vegeta: (await tools()).path("vegeta"), targets: routedTargets, ratePerSecond };
    const done = { forward: 0, back: 0, updates: 0, rollbacks: 0 };
    await underTraffic(options, async () => {
      let splits = allOnLegacy;
      while (done.forward + done.back < transitions) {
        const next = randomTransitions(random, splits);
        if (isWholeWayBack(next) && random.chance(byCommand)) {
          const [{ target }] = next;
          const { code, stderr } = await cutover(stack, ["rollback", target]);
          assert.equal(code, 0, stderr);
          done.rollbacks += 1;
        } else {
          await commitTransitions(stack, next);
          succeeded(await stack.up());
          done.updates += 1;
        }
        for (const { kind } of next) done[kind] += 1;
        splits = splitsAfter(splits, next);
      }
    });
    process.stdout.write(
      `    ${done.forward} forward, ${done.back} back, in ${done.updates} updates and ${done.rollbacks} rollbacks\n`,
    );
    await assertAgreed(stack, await connect());
    succeeded(await stack.preview());
  });
});

function isWholeWayBack(next: readonly Transition[]): next is readonly [Transition] {
  const [first, ...rest] = next;
  return first?.kind === "back" && first.to.legacy === 100 && rest.length === 0;
}

function connect(): Promise<KubeApi> {
  process.env["KUBECONFIG"] = adminKubeconfig;
  return KubeApi.connect();
}
