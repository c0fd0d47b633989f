import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../cluster/kubeApi";
import { hasCode } from "../cluster/thrown";
import type { Toolbox } from "../tools/acquire";
import { localEnvironment, stackName } from "./environment";
import { checkoutDir, guardTokenFile, reportTokenFile } from "./paths";
import ports from "./ports.json";

export interface LocalGuardOptions {
  /** Whose repository the guard commits to. */
  readonly stackFile: string;
  /** 0: any that is free. @default 9120 */
  readonly port?: number;
  /** @default alerts are believed as they come */
  readonly prometheus?: string;
  /** By which all durations are multiplied. @default 1 */
  readonly scale?: number;
  /** More flags of `cutover guard`. */
  readonly flags?: readonly string[];
  /** Over that of the local stack. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
  /** The stack and where its Pulumi.yaml is. @default the local stack, in this checkout */
  readonly place?: { readonly stack: string; readonly dir: string };
}

/** A line of the guard's log. */
export interface LogLine {
  readonly time: string;
  readonly level: "info" | "error";
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What Alertmanager and who reports issues show, made once and readable by their owner only. */
export function ensureGuardTokens(): void {
  for (const file of [guardTokenFile, reportTokenFile]) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    try {
      fs.writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

/** A guard beside the local platform, as a process of its own. */
export class LocalGuard {
  readonly log: LogLine[] = [];
  private readonly onLine = new Set<() => void>();

  private constructor(private readonly child: ChildProcess) {}

  /** Resolves once it listens. @throws Error with what it said when it doesn't */
  static async start(tools: Toolbox, options: LocalGuardOptions): Promise<LocalGuard> {
    ensureGuardTokens();
    const { stackFile, port = ports.guard, prometheus, scale = 1, flags = [], environment } = options;
    const { stack, dir } = options.place ?? { stack: stackName, dir: checkoutDir };
    const child = spawn(
      process.execPath,
      [
        path.join(dir, "cutover", "bin", "cutover"),
        "guard",
        ...["--stack", stack, "--config-file", stackFile, "--port", String(port), "--scale", String(scale)],
        ...["--alert-token-file", guardTokenFile, "--report-token-file", reportTokenFile],
        ...(prometheus === undefined ? [] : ["--prometheus", prometheus]),
        ...flags,
      ],
      {
        cwd: dir,
        env: { ...process.env, ...localEnvironment(tools), ...identity, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const guard = new LocalGuard(child);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    readline.createInterface({ input: child.stdout }).on("line", (line) => guard.take(line));
    const ended = once(child, "exit").then(() => {
      throw new Error(`the guard ended before it listened:\n${errors}`);
    });
    await Promise.race([guard.says(/^the guard listens$/), ended]);
    ended.catch(() => undefined);
    return guard;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the guard wasn't started");
    return this.child.pid;
  }

  /** `http://127.0.0.1:9120` */
  get origin(): string {
    const line = this.log.find(({ message }) => message === "the guard listens");
    return `http://127.0.0.1:${String(line?.["port"])}`;
  }

  /** Waits until it acts: before that it takes no alert. */
  async ready(signal?: AbortSignal): Promise<void> {
    while ((await ask(new URL("/readyz", this.origin))).status !== 200) {
      await sleep(20, undefined, { signal });
    }
  }

  /** Waits until it has said something that fits, `times` times. */
  async says(message: RegExp, about: (line: LogLine) => boolean = () => true, times = 1): Promise<LogLine> {
    for (;;) {
      const found = this.log.filter((line) => message.test(line.message) && about(line))[times - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.onLine.delete(wake);
          resolve();
        };
        this.onLine.add(wake);
      });
    }
  }

  /** Ends it: in order, or as the kernel would that has run out of memory. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, "exit");
    this.child.kill(signal);
    await exit;
  }

  private take(line: string): void {
    this.log.push(JSON.parse(line) as LogLine);
    for (const wake of [...this.onLine]) wake();
  }
}

/** Who commits, where git doesn't know. */
const identity = {
  GIT_AUTHOR_NAME: "guard",
  GIT_AUTHOR_EMAIL: "guard@localhost",
  GIT_COMMITTER_NAME: "guard",
  GIT_COMMITTER_EMAIL: "guard@localhost",
};
