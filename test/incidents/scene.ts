import path from "node:path";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { readLiveRoute } from "../../cluster/liveRoutes";
import { backendName } from "../../cluster/names";
import { editStackFile } from "../../config/edit";
import { LocalGuard, type LogLine } from "../../local/guard";
import { inject, injectAll } from "../../local/inject";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { startMonitoring } from "../../local/platform/monitoring";
import { hostAddress } from "../../local/platform/network";
import { runningParts } from "../../local/platform/processes";
import { prometheusUrl } from "../../local/platform/prometheus";
import { formatSplit, isTampered } from "../../migration";
import { timingOf } from "../../monitoring/timing";
import { namespace } from "../faults/agreement";
import { stackOnLegacy, succeeded, tools } from "../e2e/world";

/** Of every duration of the plan, unless a scene has another. */
export const scale = 0.05;
export const timing = timingOf(scale);
export const windowPassed = windowPassedAt(scale);
/** Whose baseline is known. */
export const target = "frontend";
/** Far above what a stand-in takes by itself, so that a busy machine is not an incident. */
export const baselineSeconds = 0.4;

/** Where incidents happen: a stack on legacy, twenty times as fast, what watches it, and a guard. */
export class Scene {
  private readonly guards: LocalGuard[] = [];

  private constructor(
    readonly stack: LocalStack,
    readonly api: KubeApi,
    /** As the stack's file is between two incidents. */
    private readonly file: string,
    private readonly scale: number,
  ) {}

  /** @param name of the stack's folder */
  static async create(name: string, ofScene = scale): Promise<Scene> {
    process.env["KUBECONFIG"] = adminKubeconfig;
    const api = await KubeApi.connect();
    const stack = await stackOnLegacy(name);
    await stack.commit(`${1 / ofScene} times as fast, and measured`, (text) =>
      editStackFile(
        editStackFile(text, ["config", "pyairtable:monitoring", "timeScale"], ofScene),
        ["config", `pyairtable:${target}`, "baseline"],
        {
          ...{ latencySeconds: baselineSeconds, errorRatio: 0, requestsPerSecond: 150 },
          ...{ requests: 1000, measuredAt: "2025-08-01T00:00:00Z" },
        },
      ),
    );
    succeeded(await stack.up());
    await startMonitoring(await tools(), { scale: ofScene });
    const scene = new Scene(stack, api, stack.readStackFile(), ofScene);
    await scene.startGuard();
    return scene;
  }

  /** Leaves the platform at the plan's durations, and all on legacy. */
  async close(): Promise<void> {
    await this.killGuard("SIGTERM");
    await startMonitoring(await tools(), { scale: 1 });
    await stackOnLegacy(path.basename(this.stack.repository));
  }

  /** Time for what is injected to be all that a window holds, and to be scraped and recorded, in milliseconds. */
  get windowPassed(): number {
    return windowPassedAt(this.scale);
  }

  /** Whatever a guard of this scene has said. */
  get log(): readonly LogLine[] {
    return this.guards.flatMap(({ log }) => log);
  }

  get guard(): LocalGuard {
    const guard = this.guards.at(-1);
    if (guard === undefined) throw new Error("no guard was started");
    return guard;
  }

  /** Where Alertmanager looks for it. */
  async startGuard(): Promise<void> {
    const { stackFile } = this.stack;
    const watching = { prometheus: prometheusUrl, scale: this.scale };
    const guard = await LocalGuard.start(await tools(), { stackFile, ...watching });
    this.guards.push(guard);
    await guard.ready();
  }

  async killGuard(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    await this.guards.at(-1)?.stop(signal);
  }

  async liveSplit(of: RoutedTargetName): Promise<string> {
    const live = await readLiveRoute(this.api, namespace, of);
    return live === undefined || isTampered(live) ? "?" : formatSplit(live.split);
  }

  async commits(): Promise<number> {
    return Number(await this.stack.git("rev-list", "--count", "HEAD"));
  }

  async isRecording(of: RoutedTargetName): Promise<boolean> {
    const { body } = await ask(new URL("/metrics", this.guard.origin));
    return body.includes(`pyairtable_guard_unrecorded{target="${of}"} 1`);
  }

  /** How often the guard could do nothing about a trigger, or tried and failed. */
  async refusals(of: RoutedTargetName): Promise<number> {
    const { body } = await ask(new URL("/metrics", this.guard.origin));
    const lines = [
      `pyairtable_guard_shouts_total{target="${of}"} `,
      `pyairtable_guard_rollbacks_total{target="${of}",result="failed"} `,
    ];
    const values = body
      .split("\n")
      .flatMap((line) =>
        lines.filter((start) => line.startsWith(start)).map((start) => line.slice(start.length)),
      );
    return values.reduce((sum, value) => sum + Number(value), 0);
  }

  /** As it was at the beginning, whatever an incident that failed has left. */
  async restore(): Promise<void> {
    const { stack } = this;
    for (const { pid } of runningParts()) process.kill(pid, "SIGCONT");
    await startMonitoring(await tools(), { scale: this.scale });
    await this.killGuard();
    if (stack.readStackFile() !== this.file) await stack.commit("All on legacy", () => this.file);
    await stack.pulumi(["cancel", "--yes", "--stack", "local"]);
    succeeded(await stack.up({ refresh: true }));
    for (const each of routedTargets) {
      await inject(`${hostAddress}:${catalogEntry(each).legacyPort}`, {});
      await injectAll(this.api, backendName(each, "blue"), {});
    }
    await this.startGuard();
  }
}

function windowPassedAt(ofScene: number): number {
  const { windowMs, scrapeMs } = timingOf(ofScene);
  return windowMs + 4 * scrapeMs;
}
