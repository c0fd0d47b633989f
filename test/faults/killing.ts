import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { cutover } from "../e2e/cutoverCommand";
import type { LocalStack } from "../../local/localStack";
import type { ApiProxy } from "../support/apiProxy";
import { findCli, findCutover, findProgram, kill } from "./processes";
import { type Command, type FaultStep, type Scene, type Victim, headOf, tagsOf } from "./steps";

/** What became of an attempt to kill somebody, and of what he had begun. */
export type KillOutcome = "killed, resumed" | "killed, nothing to resume" | "over before the kill";

export interface KillOptions {
  readonly scene: Omit<Scene, "before">;
  readonly step: FaultStep;
  readonly victim: Victim;
  readonly command: Command;
  readonly proxy: ApiProxy;
}

/** How long somebody else's update may take that a killed `cutover` has left running, in seconds. */
const orphanSeconds = 90;

/** Carries out a committed change, kills the victim at the step, and has `cutover resume` finish it. */
export async function killAt({ scene, step, victim, command, proxy }: KillOptions): Promise<KillOutcome> {
  const { stack, requests } = scene;
  requests.clear();
  const before = { head: headOf(stack), tags: tagsOf(stack) };
  const running = start(command, scene, proxy);
  const wasKilled = await strikeAt(running, {
    comes: (signal) => step.comes({ ...scene, before }, signal),
    strike: () => strike(victim, stack),
  });
  await running;
  requests.clear();
  const said = await resume(stack);
  if (!wasKilled) return "over before the kill";
  return /nothing to resume/.test(said) ? "killed, nothing to resume" : "killed, resumed";
}

export interface Strike {
  /** Resolves as soon as it has come to this. */
  readonly comes: (signal: AbortSignal) => Promise<unknown>;
  /** @returns false if there was nobody to kill any more */
  readonly strike: () => boolean | Promise<boolean>;
}

/** Strikes once it has come to this, unless what runs is over before. @returns whether somebody was killed */
export async function strikeAt(running: Promise<unknown>, { comes, strike }: Strike): Promise<boolean> {
  const over = new AbortController();
  const ended = running.finally(() => over.abort()).then(() => false);
  const hasCome = comes(over.signal).then(
    () => true,
    (error: unknown) => {
      if (over.signal.aborted) return false;
      throw error;
    },
  );
  return (await Promise.race([hasCome, ended])) && (await strike());
}

/** `cutover resume`, as often as it says that somebody is at work. @returns what it said */
export async function resume(stack: LocalStack): Promise<string> {
  const deadline = Date.now() + orphanSeconds * 1000;
  for (;;) {
    const { code, stdout, stderr } = await cutover(stack, ["resume", "--yes", "--stack", "local"]);
    if (code === 0) return stdout;
    assert.ok(
      code === 5 && Date.now() < deadline,
      `cutover resume ended with ${String(code)}:\n${stdout}${stderr}`,
    );
    await sleep(300);
  }
}

async function start(
  command: Command,
  { stack, target, to }: KillOptions["scene"],
  proxy: ApiProxy,
): Promise<unknown> {
  const environment = { KUBECONFIG: proxy.kubeconfigFile };
  switch (command) {
    case "pulumi up":
      return stack.up({ environment });
    case "cutover advance":
      return cutover(
        stack,
        ["advance", target, "--to", "blue", "--weight", String(to.blue), "--yes"],
        environment,
      );
    case "cutover rollback":
      return cutover(stack, ["rollback", target], environment);
  }
}

/** @returns false if there was nobody to kill any more */
export function strike(victim: Victim, { stackFile }: LocalStack): boolean {
  const cli = findCli(stackFile);
  const pid =
    victim === "cutover"
      ? findCutover(stackFile)
      : victim === "program" && cli !== undefined
        ? findProgram(cli)
        : cli;
  return pid !== undefined && kill(pid);
}
