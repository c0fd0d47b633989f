import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { runInPod } from "../../cluster/podExec";
import { ClusterHost } from "../../database/clusterHost";
import { instanceContainers } from "../../database/clusterInstance";
import type { DatabaseAddress } from "../../database/instance";
import type { DatabaseRole } from "../../database/roles";
import type { SqlSession } from "../../database/session";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { namespace } from "../faults/agreement";
import { findCutover, kill, seen } from "../faults/processes";
import { isOwnPod, podNames, withSession } from "../data/clusterDatabase";
import { type CutoverResult, cutover } from "./cutoverCommand";

export const target = "auth-service";

/** A database with rows to lose, and who brings them back. */
export class Restoring {
  private constructor(
    readonly stack: LocalStack,
    readonly api: KubeApi,
    readonly host: ClusterHost,
  ) {}

  static async of(stack: LocalStack): Promise<Restoring> {
    process.env["KUBECONFIG"] = adminKubeconfig;
    const api = await KubeApi.connect({});
    return new Restoring(stack, api, new ClusterHost(api, namespace));
  }

  withSession<T>(
    role: DatabaseRole,
    use: (session: SqlSession) => Promise<T>,
    address?: DatabaseAddress,
  ): Promise<T> {
    return withSession(this.api, { target, role, ...(address && { address }) }, use);
  }

  /** As a release would. */
  write(sql: string): Promise<void> {
    return this.withSession("blue", (session) => session.run(sql));
  }

  /** The rows that there are. */
  async rows(address?: DatabaseAddress): Promise<(readonly [number, string])[]> {
    const schema = z.object({ n: z.int(), text: z.string() });
    const rows = await this.withSession(
      "owner",
      (session) => session.rows("SELECT n, text FROM writes ORDER BY n", schema),
      address,
    );
    return rows.map(({ n, text }) => [n, text] as const);
  }

  async numbers(): Promise<number[]> {
    return (await this.rows()).map(([n]) => n);
  }

  restore(to: string, ...more: readonly string[]): Promise<CutoverResult> {
    return cutover(this.stack, ["restore", target, "--to", to, "--yes", ...more]);
  }

  /** The same, ended by a signal as soon as `look` finds something. @returns its exit code, and what was found */
  async restoreUntil<T>(
    to: string,
    signal: NodeJS.Signals,
    look: () => T | undefined | Promise<T | undefined>,
  ): Promise<readonly [number | null, T]> {
    const over = new AbortController();
    const running = this.restore(to).finally(() => over.abort());
    try {
      const found = await seen(look, over.signal);
      const pid = findCutover(this.stack.stackFile);
      if (pid !== undefined && signal === "SIGKILL") kill(pid);
      else if (pid !== undefined) process.kill(pid, signal);
      return [(await running).code, found];
    } catch (error) {
      const { code, stdout, stderr } = await running;
      throw new Error(`it ended by itself with ${String(code)}:\n${stdout}${stderr}`, { cause: error });
    }
  }

  pods(): Promise<readonly string[]> {
    return podNames(this.api);
  }

  /** Those that a command makes for itself. */
  async ownPods(): Promise<readonly string[]> {
    return (await this.pods()).filter(isOwnPod);
  }

  run(instance: string, container: keyof typeof instanceContainers, script: string): Promise<string> {
    return runInPod(this.api, {
      namespace,
      pod: `${instance}-0`,
      container: instanceContainers[container],
      command: ["sh", "-c", script],
    });
  }

  /** Waits for an instance's first backup, which it makes by itself. */
  async backedUp(instance: string): Promise<void> {
    while ((await this.host.backups(instance)).length === 0) await sleep(500);
  }
}
