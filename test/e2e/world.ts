import assert from "node:assert/strict";
import path from "node:path";
import { parseSplit, type Split } from "../../migration";
import type { RoutedTargetName } from "../../catalog";
import { setTraffic } from "../../config/edit";
import { LocalStack, type PulumiResult } from "../../local/localStack";
import { KubeApi } from "../../cluster/kubeApi";
import { deleteObject } from "../../cluster/objects";
import { adminKubeconfig, outDir } from "../../local/paths";
import { acquireTools } from "../../tools/acquire";
import type { Toolbox } from "../../tools/acquire";
import { disagreements, namespace, readDeployments } from "../faults/agreement";
import { outOfOrder } from "../support/outOfOrder";

/** The tools, found before the first test. */
export function tools(): Promise<Toolbox> {
  return acquireTools();
}

/**
 * A fresh repository with the checkout's stack file, applied: all on legacy, every routed target's blue ready. Each spec
 * begins with it, whatever the one before has left.
 * @param edit what is wanted besides
 */
export async function stackOnLegacy(
  name: string,
  edit: (text: string) => string = (text) => text,
): Promise<LocalStack> {
  const stack = await LocalStack.create(await tools(), path.join(outDir, "e2e", name));
  await stack.commit("Targets may move when a test likes", (text) => edit(outOfOrder(text)));
  process.env["KUBECONFIG"] = adminKubeconfig;
  const api = await KubeApi.connect();
  await forgetGreens(api);
  const { code } = await stack.up();
  // A look at all that exists takes longer than all else here: only for what a spec that failed has left.
  if (code !== 0 || (await disagreements(stack, api)).length > 0)
    succeeded(await stack.up({ refresh: true }));
  return stack;
}

/** The greens of the spec before: an update would wait until each has ended as politely as one with traffic. */
async function forgetGreens(api: KubeApi): Promise<void> {
  for (const name of (await readDeployments(api)).keys()) {
    if (!name.endsWith("-green")) continue;
    await deleteObject(api, `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, {
      propagationPolicy: "Background",
    });
  }
}

export function succeeded(result: PulumiResult): PulumiResult {
  assert.equal(result.code, 0, errorsFirst(result));
  return result;
}

export function refused(result: PulumiResult, message: RegExp): PulumiResult {
  assert.notEqual(result.code, 0, result.output);
  assert.match(result.output, message, `found no ${String(message)} in:\n${errorsFirst(result)}`);
  return result;
}

/** What it says, with its errors in the first line: of a failed test that is all that the end of a log tells. */
function errorsFirst({ output }: PulumiResult): string {
  const errors = [...output.matchAll(/^ *error: (.*)$/gm)].map(([, error = ""]) => error);
  return `${errors.join("; ")}\n${output}`;
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
