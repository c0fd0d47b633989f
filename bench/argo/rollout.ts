import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { adminKubeconfig } from "../../local/paths";
import { run } from "../../tools/child";
import type { OnEnd } from "../figure";
import type { Asked } from "../load";
import { endController, startController } from "../peer";
import { type World, stateDir } from "../world";
import { acquireArgo } from "./acquire";
import type { Version } from "../peerService";
import { manifests, name, namespace, podTemplate, replicas, route } from "./manifests";

const collection = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts`;
const settledWithinSeconds = 60;

const rolloutSchema = z.object({
  metadata: z.object({ generation: z.int() }),
  status: z
    .object({
      observedGeneration: z.string(),
      phase: z.string(),
      currentPodHash: z.string(),
      blueGreen: z.object({ activeSelector: z.string().optional() }).default({}),
    })
    .partial()
    .default({}),
});

const replicaSetList = z.object({
  items: z.array(z.object({ status: z.object({ readyReplicas: z.int().default(0) }) })),
});

/** A blue-green Rollout of the same stand-in behind the same gateway, with both versions kept warm. */
export class ArgoRollout {
  readonly asked: Asked = { target: name, backendHeader: "x-color" };
  readonly written = { collection, name };

  private constructor(
    private readonly world: World,
    private readonly api: KubeApi,
  ) {}

  /** Runs the controller beside the cluster, and the Rollout on `legacy`; `onEnd` takes all of it away again. */
  static async start(world: World, onEnd: OnEnd): Promise<ArgoRollout> {
    const { controller, crds } = await acquireArgo();
    const rollout = new ArgoRollout(world, await KubeApi.connect());
    onEnd(() => rollout.remove(crds));
    await rollout.kubectl("apply", "--server-side", "--filename", crds);
    await rollout.kubectl("wait", "--for=condition=Established", "--timeout=30s", "--filename", crds);
    const args = ["--metricsport", "18090", "--healthzPort", "18080", "--leader-elect=false"];
    const running = startController(controller, ["--kubeconfig", adminKubeconfig, ...args], logFile);
    onEnd(() => endController(running));
    await rollout.kubectl("apply", "--filename", writeManifests());
    await rollout.settled("legacy");
    await rollout.switchTo("blue");
    await rollout.bothWarm();
    return rollout;
  }

  /** Moves all traffic and waits until it has moved. */
  async switchTo(version: Version): Promise<void> {
    await this.write(version);
    await this.settled(version);
  }

  /** Asks for a version by the pod template that it had before, as an undo does, and waits for nothing. */
  async write(version: Version): Promise<void> {
    await this.kubectl(
      ...["--namespace", namespace, "patch", "rollout", name],
      ...["--type=merge", "--patch", JSON.stringify({ spec: { template: podTemplate(version) } })],
    );
  }

  private async settled(version: Version): Promise<void> {
    await this.until(`${version} to be healthy and active`, async () => {
      const { status, body } = await this.api.ask(`${collection}/${name}`);
      if (status !== 200) return false;
      const rollout = rolloutSchema.parse(JSON.parse(body));
      const { observedGeneration, phase, currentPodHash, blueGreen } = rollout.status;
      return (
        observedGeneration === String(rollout.metadata.generation) &&
        phase === "Healthy" &&
        blueGreen?.activeSelector === currentPodHash
      );
    });
  }

  private async bothWarm(): Promise<void> {
    await this.until("both versions to be ready", async () => {
      const { body } = await this.api.ask(`/apis/apps/v1/namespaces/${namespace}/replicasets`);
      const { items } = replicaSetList.parse(JSON.parse(body));
      return items.length === 2 && items.every(({ status }) => status.readyReplicas === replicas);
    });
  }

  private async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + settledWithinSeconds * 1000;
    while (!(await isSo())) {
      if (Date.now() > deadline) {
        throw new Error(
          `Argo Rollouts: waited ${settledWithinSeconds} s in vain for ${what}; see ${logFile}`,
        );
      }
      await sleep(200, undefined, { signal: this.world.signal });
    }
  }

  private async remove(crds: string): Promise<void> {
    const ignoring = ["--ignore-not-found", "--timeout=90s"];
    await this.kubectl("delete", "httproute", name, "--namespace", route.metadata.namespace, ...ignoring);
    await this.kubectl("delete", "namespace", namespace, ...ignoring);
    await this.kubectl("delete", "--filename", crds, ...ignoring);
  }

  private async kubectl(...args: string[]): Promise<void> {
    await run(this.world.tools.path("kubectl"), ["--kubeconfig", adminKubeconfig, ...args]);
  }
}

const logFile = path.join(stateDir, "argo-rollouts.log");

function writeManifests(): string {
  const file = path.join(stateDir, "argo-rollouts.yaml");
  fs.writeFileSync(file, manifests.map((manifest) => stringify(manifest)).join("---\n"));
  return file;
}
