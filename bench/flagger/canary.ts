import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { injectAll } from "../../local/inject";
import { adminKubeconfig } from "../../local/paths";
import { run } from "../../tools/child";
import type { OnEnd } from "../figure";
import type { Asked } from "../load";
import { endController, startController } from "../peer";
import { type World, stateDir } from "../world";
import { acquireFlagger } from "./acquire";
import { manifests, name, namespace, podTemplate, selectorLabel } from "./manifests";
import { errorsQuery, startMetrics } from "./metrics";

const settledWithinSeconds = 120;
const logFile = path.join(stateDir, "flagger.log");
const canary = `/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/${name}`;

const statusSchema = z.object({
  status: z.object({ phase: z.string(), canaryWeight: z.int().default(0) }).optional(),
});
type Status = z.infer<typeof statusSchema>["status"];

/** A Canary of the same stand-in behind the same gateway, judged by what the gateway counts. */
export class FlaggerCanary {
  readonly asked: Asked = { target: name, backendHeader: "x-color" };
  private revision = 0;

  private constructor(
    private readonly world: World,
    private readonly api: KubeApi,
  ) {}

  /** Runs the controller beside the cluster, with all traffic on `legacy`; `onEnd` takes all of it away again. */
  static async start(world: World, onEnd: OnEnd): Promise<FlaggerCanary> {
    const { controller, crds } = await acquireFlagger();
    const flagger = new FlaggerCanary(world, await KubeApi.connect());
    onEnd(() => flagger.kubectl("delete", "--filename", crds, "--ignore-not-found", "--timeout=90s"));
    await flagger.kubectl("apply", "--server-side", "--filename", crds);
    await flagger.kubectl("wait", "--for=condition=Established", "--timeout=30s", "--filename", crds);
    const prometheus = await startMetrics(world.tools, onEnd);
    const running = startController(
      controller,
      [
        ...["-kubeconfig", adminKubeconfig, "-namespace", namespace, "-port", "18081"],
        ...["-mesh-provider", "gatewayapi:v1", "-metrics-server", prometheus],
        ...["-selector-labels", selectorLabel, "-enable-config-tracking=false"],
      ],
      logFile,
    );
    onEnd(() => endController(running));
    const file = path.join(stateDir, "flagger.yaml");
    const objects = manifests(prometheus, errorsQuery);
    fs.writeFileSync(file, objects.map((manifest) => stringify(manifest)).join("---\n"));
    // What Flagger has made from them belongs to the Canary.
    const gone = ["--ignore-not-found", "--cascade=foreground", "--timeout=90s"];
    onEnd(() => flagger.kubectl("delete", "--filename", file, ...gone));
    await flagger.kubectl("apply", "--filename", file);
    await flagger.until("the canary to be made", (status) => status?.phase === "Initialized");
    return flagger;
  }

  /** Brings a new revision, and waits until Flagger has given it its first, large share. */
  async cutOver(): Promise<void> {
    this.revision++;
    const patch = JSON.stringify({ spec: { template: podTemplate("blue", this.revision) } });
    await this.kubectl("--namespace", namespace, "patch", "deployment", name, "--type=merge", "-p", patch);
    await this.until("traffic on the canary", (status) => (status?.canaryWeight ?? 0) > 0);
  }

  /** Lets every second request of the candidate fail. @returns since when, in epoch ms */
  async fail(): Promise<number> {
    await injectAll(this.api, name, { errorEvery: { fail: 1, of: 2 } });
    return Date.now();
  }

  /** Waits until Flagger has rolled back. */
  async rolledBack(): Promise<void> {
    await this.until("the rollback", (status) => status?.phase === "Failed");
  }

  private async until(what: string, isSo: (status: Status) => boolean): Promise<void> {
    const deadline = Date.now() + settledWithinSeconds * 1000;
    for (;;) {
      const { status, body } = await this.api.ask(canary);
      if (status === 200 && isSo(statusSchema.parse(JSON.parse(body)).status)) return;
      if (Date.now() > deadline)
        throw new Error(`Flagger: waited ${settledWithinSeconds} s in vain for ${what}; see ${logFile}`);
      await sleep(200, undefined, { signal: this.world.signal });
    }
  }

  private async kubectl(...args: string[]): Promise<void> {
    await run(this.world.tools.path("kubectl"), ["--kubeconfig", adminKubeconfig, ...args]);
  }
}
