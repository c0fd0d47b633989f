import assert from "node:assert/strict";
import { bringUp } from "../../local/bringUp";
import { runningParts } from "../../local/platform/processes";
import { withPlatformLock } from "../../local/platformLock";
import type { Toolbox } from "../../tools/acquire";
import { kill } from "./processes";
import type { Traffic } from "./traffic";

export const killableParts = ["envoy", "contour", "kubelet", "kube-apiserver"] as const;
export type KillablePart = (typeof killableParts)[number];

/**
 * kill -9 of a part of the platform; for Envoy, which is the data plane itself, an outage of the traffic.
 * @returns brings it up again; the outage ends when it serves
 */
export function killPart(part: KillablePart, tools: Toolbox, traffic: Traffic): () => Promise<void> {
  const killed = runningParts().filter(({ name }) => name === part);
  assert.notEqual(killed.length, 0, part);
  const end = part === "envoy" ? traffic.outage() : () => undefined;
  for (const { pid } of killed) kill(pid);
  return async () => {
    await withPlatformLock(() => bringUp(tools));
    end();
  };
}
