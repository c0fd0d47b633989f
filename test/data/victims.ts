import { z } from "zod";
import type { KubeApi } from "../../cluster/kubeApi";
import { deleteObject, readObject } from "../../cluster/objects";
import { strike as strikeUpdate } from "../faults/killing";
import { podsPath } from "./clusterDatabase";
import { findPostmaster, findStep, kill, seen } from "../faults/processes";
import type { DataCase } from "./cases";
import { type DataScene, instancePod, target } from "./scene";

/** For a Job's pod to be there. */
const podWithinMs = 5_000;

/** SIGKILL, or for a pod what is as good. @returns false if there was nobody to kill any more */
export async function strike(
  { stack, api }: Pick<DataScene, "stack" | "api">,
  { point, victim }: DataCase,
): Promise<boolean> {
  switch (victim) {
    case "pulumi up":
    case "program":
    case "cutover":
      return strikeUpdate(victim, stack);
    case "PostgreSQL":
      return killed(findPostmaster(instancePod));
    case "step":
      return killed(point.step && findStep(...point.step));
    case "pod": {
      const pods = await seen(() => stepPods(api), AbortSignal.timeout(podWithinMs)).catch(() => []);
      await Promise.all(pods.map((name) => deleteObject(api, podsPath(name), { gracePeriodSeconds: 0 })));
      return pods.length > 0;
    }
  }
}

function killed(pid: number | undefined): boolean {
  return pid !== undefined && kill(pid);
}

/** Those of steps that haven't ended. */
async function stepPods(api: KubeApi): Promise<readonly string[] | undefined> {
  const { items } = (await readObject(api, podsPath(), podList)) ?? { items: [] };
  const names = items
    .filter(({ status }) => status.phase === "Pending" || status.phase === "Running")
    .map(({ metadata }) => metadata.name)
    .filter((name) => ["step", "trial"].some((kind) => name.startsWith(`${target}-${kind}-`)));
  return names.length === 0 ? undefined : names;
}

const podList = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), status: z.object({ phase: z.string() }) }),
  ),
});
