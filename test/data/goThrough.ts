import { setTimeout as sleep } from "node:timers/promises";
import { reason } from "../../cluster/thrown";
import { cutover } from "../e2e/cutoverCommand";
import { disagreements } from "../faults/agreement";
import { resume, strikeAt } from "../faults/killing";
import type { Missed } from "../faults/writers";
import type { DataCase } from "./cases";
import { type Leg, type LegName, after, isMigration, legs, step } from "./legs";
import type { DataScene } from "./scene";
import { strike } from "./victims";

export type DataOutcome =
  | "over before the kill"
  | "done all the same"
  | "resumed"
  | "done by the same command"
  | "done by the same command, repeated"
  | "not done";

/** What became of a kill. */
export interface Gone {
  readonly outcome: DataOutcome;
  readonly missed: Missed;
  /** The longest that a write took, in milliseconds. */
  readonly stallMs: number;
  /** Answers to writers that were no acknowledgement. */
  readonly failedAnswers: number;
  /** What isn't as it should be, in words. */
  readonly problems: string[];
}

/** How a command ended. */
interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** How long somebody who types a command again does so, and what a command has left may stay. */
const patience = { commandMs: 180_000, leftoverMs: 60_000, pauseMs: 1000 } as const;

/** A leg of the way, with nobody killed. @throws Error with what its command said */
export async function goThrough(scene: DataScene, name: LegName): Promise<void> {
  const leg: Leg = legs[name];
  await scene.commit(name, (text) => after(text, leg));
  const { code, said } = await carryOut(scene, name, isMigration(name));
  if (code !== 0) throw new Error(`${name}: found exit code ${String(code)}, expected 0:\n${said}`);
  if (name === "prepare") scene.tried = await scene.evidenceOf(step);
}

/**
 * A leg of the way on which somebody is killed, and then what somebody does who has read the docs: for an update `cutover
 * resume`, for anything else the same command, for PostgreSQL nothing.
 */
export async function goThroughKill(scene: DataScene, killed: DataCase): Promise<Gone> {
  const { point, victim } = killed;
  const leg: Leg = legs[point.leg];
  const isCutover = isMigration(point.leg) || victim === "cutover";
  const began = new Date();
  await scene.commit(point.leg, (text) => (isCutover ? (leg.edit?.(text) ?? text) : after(text, leg)));
  scene.requests.clear();
  const running = carryOut(scene, point.leg, isCutover, { KUBECONFIG: scene.proxy.kubeconfigFile });
  const wasKilled = await strikeAt(running, {
    comes: (signal) => point.comes(scene, signal),
    strike: () => strike(scene, killed),
  });
  const ended = await running;
  scene.requests.clear();
  const how = await recover(scene, killed, ended, isCutover);
  const missed = await scene.missed();
  const { stallMs, failedAnswers } = scene.writers.since(began.getTime());
  const problems = await problemsAfter(scene, point.leg, began);
  return { outcome: wasKilled ? how : "over before the kill", missed, stallMs, failedAnswers, problems };
}

async function recover(
  scene: DataScene,
  { point: { leg }, victim }: DataCase,
  ended: Ended,
  isCutover: boolean,
): Promise<DataOutcome> {
  const isUpdater = victim === "pulumi up" || victim === "program" || victim === "cutover";
  if (isUpdater && !isMigration(leg)) {
    const said = await resume(scene.stack);
    if (!/nothing to resume/.test(said)) return "resumed";
  }
  if (ended.code === 0) return "done all the same";
  const deadline = Date.now() + patience.commandMs;
  for (let attempt = 1; ; attempt += 1) {
    const { code, said } = await carryOut(scene, leg, isCutover);
    if (code === 0) {
      return attempt === 1 ? "done by the same command" : "done by the same command, repeated";
    }
    if (Date.now() > deadline) {
      throw new Error(
        `the same command again: found exit code ${String(code)} for ${patience.commandMs / 1000} s, expected 0:\n${said}`,
      );
    }
    await sleep(patience.pauseMs);
  }
}

async function carryOut(
  { stack }: DataScene,
  name: LegName,
  isCutover: boolean,
  environment: Readonly<NodeJS.ProcessEnv> = {},
): Promise<Ended> {
  if (isCutover) {
    const { code, stdout, stderr } = await cutover(stack, legs[name].words, environment);
    return { code, said: `${stdout}${stderr}` };
  }
  const { code, output } = await stack.up({ environment });
  return { code, said: output };
}

/** Where schema, evidence, cluster, file and state aren't as the leg leaves them. */
async function problemsAfter(scene: DataScene, name: LegName, began: Date): Promise<string[]> {
  const leg: Leg = legs[name];
  const [evidence, schema] = await Promise.all([scene.evidenceOf(step), scene.schema()]);
  const problems: string[] = [];
  if (evidence !== undefined) scene.tried = evidence;
  const wanted = scene.tried?.[leg.schema];
  if (schema !== wanted) problems.push(`schema: found ${schema}, expected ${String(wanted)}`);
  const isThere = evidence !== undefined && (name !== "prepare" || new Date(evidence.preparedAt) >= began);
  if (isThere !== leg.evidence) {
    problems.push(
      `evidence: found ${evidence === undefined ? "none" : `that of ${evidence.preparedAt}`}, expected ${leg.evidence ? `that of ${began.toISOString()} or later` : "none"}`,
    );
  }
  problems.push(...(await leftovers(scene)).map((left) => `left over: ${left}`));
  if (!leg.agreed) return problems;
  problems.push(...(await disagreements(scene.stack, scene.api).catch((error: unknown) => [reason(error)])));
  const { code, output } = await scene.stack.preview();
  if (code !== 0) problems.push(`the preview isn't empty: ${output}`);
  return problems;
}

/** What is left of a command after a while: what runs in a pod ends by itself, but not at once. */
async function leftovers(scene: DataScene): Promise<readonly string[]> {
  const deadline = Date.now() + patience.leftoverMs;
  for (;;) {
    const left = await scene.leftovers();
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(patience.pauseMs);
  }
}
