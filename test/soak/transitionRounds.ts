import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import type { KubeApi } from "../../cluster/kubeApi";
import { backendName } from "../../cluster/names";
import type { LocalStack } from "../../local/localStack";
import type { Toolbox } from "../../tools/acquire";
import { cutover } from "../e2e/cutoverCommand";
import type { ApiProxy } from "../support/apiProxy";
import { assertAgreed, readDeployments } from "../faults/agreement";
import { commitTransitions } from "../faults/commitTransitions";
import { killAt, resume } from "../faults/killing";
import { killPart, killableParts } from "../faults/platformFaults";
import type { Random } from "../faults/random";
import type { RequestLog } from "../faults/requestLog";
import { faultSteps } from "../faults/steps";
import type { Traffic } from "../faults/traffic";
import { type Splits, type Transition, after, randomTransitions } from "../faults/transitions";

/** Longer than a kubelet that has been started needs to say that it knows nothing of its pods' readiness. */
const secondsUntilWithdrawn = 4;

/** What a round is made with. */
export interface Soak {
  readonly stack: LocalStack;
  readonly api: KubeApi;
  readonly proxy: ApiProxy;
  readonly requests: RequestLog;
  readonly tools: Toolbox;
}

/** What a round has done. */
export interface Round {
  readonly transitions: readonly Transition[];
  readonly splits: Splits;
  /** The fault and its outcome, if there was one. */
  readonly fault?: readonly [fault: string, outcome: string];
}

/** One commit, or one command, with a fault in one of four; then file, state and cluster agree. */
export async function soakRound(
  soak: Soak,
  random: Random,
  splits: Splits,
  traffic: Traffic,
): Promise<Round> {
  const transitions = randomTransitions(random, splits);
  const fault = await carryOut(soak, random, transitions, traffic);
  await assertAgreed(soak.stack, soak.api);
  return { transitions, splits: after(splits, transitions), ...(fault && { fault }) };
}

async function carryOut(
  soak: Soak,
  random: Random,
  transitions: readonly Transition[],
  traffic: Traffic,
): Promise<Round["fault"]> {
  const { stack, tools } = soak;
  const dice = random.next();
  const [first] = transitions;
  if (dice < 0.15 && first) return killSomebody(soak, random, first, transitions);
  if (dice < 0.25) {
    const part = random.pick(killableParts);
    await commitTransitions(stack, transitions);
    const update = stack.up();
    // One that starts again withdraws the readiness of all its pods for a second, and there is no other node.
    const end = part === "kubelet" ? traffic.outage() : undefined;
    const heal = killPart(part, tools, traffic);
    let code: number;
    try {
      await heal();
      ({ code } = await update);
      if (end !== undefined) await readyAgain(soak);
    } finally {
      end?.();
    }
    if (code === 0) return [`${part} killed`, "updated"];
    // What failed may have been recorded in full: `resume` would see nothing to do about it.
    await resume(stack);
    const rerun = await stack.up();
    assert.equal(rerun.code, 0, rerun.output);
    return [`${part} killed`, "failed, and the rerun updated"];
  }
  if (transitions.length === 1 && first?.to.legacy === 100 && random.chance(0.5)) {
    const { code, stderr } = await cutover(stack, ["rollback", first.target]);
    assert.equal(code, 0, stderr);
    return undefined;
  }
  await commitTransitions(stack, transitions);
  const { code, output } = await stack.up();
  assert.equal(code, 0, output);
  return undefined;
}

/** Waits for the pods of a kubelet that has been started. @throws Error when that takes longer than any pod needs */
async function readyAgain({ api }: Soak): Promise<void> {
  await sleep(secondsUntilWithdrawn * 1000);
  const deadline = Date.now() + 30_000;
  for (;;) {
    const deployments = [...(await readDeployments(api))];
    const unready = deployments.filter(([, { wanted, ready }]) => ready < wanted).map(([name]) => name);
    if (unready.length === 0) return;
    assert.ok(Date.now() < deadline, `not ready again after the kubelet's start: ${unready.join(", ")}`);
    await sleep(100);
  }
}

/** A kill at a random step, of whoever can carry out these transitions. */
async function killSomebody(
  { stack, api, requests, proxy }: Soak,
  random: Random,
  first: Transition,
  transitions: readonly Transition[],
): Promise<Round["fault"]> {
  const command = random.pick(
    transitions.length > 1
      ? (["pulumi up"] as const)
      : first.kind === "forward"
        ? (["pulumi up", "cutover advance"] as const)
        : first.to.legacy === 100
          ? (["pulumi up", "cutover rollback"] as const)
          : (["pulumi up"] as const),
  );
  const step = random.pick(
    faultSteps.filter(({ when, commands }) => when === undefined && commands.includes(command)),
  );
  const victim = random.pick(step.victims);
  if (command === "pulumi up") await commitTransitions(stack, transitions);
  const target: RoutedTargetName = first.target;
  const scene = {
    stack,
    target,
    to: first.to,
    deployment: backendName(target, "blue"),
    capacity: 1,
    api,
    requests,
  };
  const outcome = await killAt({ scene, step, victim, command, proxy });
  return [`${victim} at "${step.name}" of ${command}`, outcome];
}
