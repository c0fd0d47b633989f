import assert from "node:assert/strict";
import path from "node:path";
import { parseSplit, type Split } from "../../migration";
import type { RoutedTargetName } from "../../catalog";
import { setTraffic } from "../../config/edit";
import { LocalStack, type PulumiResult } from "../../local/localStack";
import { outDir } from "../../local/paths";
import { acquireTools } from "../../tools/acquire";
import type { Toolbox } from "../../tools/acquire";
import { outOfOrder } from "../support/outOfOrder";

/** The tools, found before the first test. */
export function tools(): Promise<Toolbox> {
  return acquireTools();
}

/** A fresh repository with the checkout's stack file, applied: all on legacy, every routed target's blue ready. */
export async function stackOnLegacy(name: string): Promise<LocalStack> {
  const stack = await LocalStack.create(await tools(), path.join(outDir, "e2e", name));
  await stack.commit("Targets may move when a test likes", outOfOrder);
  succeeded(await stack.up({ refresh: true }));
  return stack;
}

export function succeeded(result: PulumiResult): PulumiResult {
  assert.equal(result.code, 0, result.output);
  return result;
}

export function refused(result: PulumiResult, message: RegExp): PulumiResult {
  assert.notEqual(result.code, 0, result.output);
  assert.match(result.output, message);
  return result;
}

/** A commit that moves a target's traffic. */
export async function commitSplit(stack: LocalStack, target: RoutedTargetName, split: Split): Promise<void> {
  await stack.commit(`${target}: ${JSON.stringify(split)}`, (text) => setTraffic(text, target, split));
}

/** `split("legacy 90 / blue 10")` */
export function split(text: string): Split {
  const parsed = parseSplit(text);
  assert.ok(parsed, text);
  return parsed;
}
