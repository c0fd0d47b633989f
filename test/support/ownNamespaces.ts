import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServerOptions {
  /** Commands of sh that prepare mounts; nobody else sees them. */
  readonly prepare?: readonly string[];
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Throws until the server serves. */
  readonly ready: () => Promise<void>;
}

const readyWithinSeconds = 30;

/** A server with mounts and processes of its own, so that none is left when it ends, however it ends. */
export class Server {
  private constructor(private readonly child: ChildProcess) {}

  static async start({ prepare = [], command, environment, logFile, ready }: ServerOptions): Promise<Server> {
    fs.mkdirSync(path.dirname(logFile), { recursive: true });
    const log = fs.openSync(logFile, "w");
    const script = [...prepare, 'exec "$@"'].join("\n");
    const child = spawn(
      "setpriv",
      [
        // With this process, its parent, it ends too; and with it all that it has started.
        ...["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
        ...["sh", "-ec", script, "sh", ...command],
      ],
      { stdio: ["ignore", log, log], env: { ...process.env, ...environment } },
    );
    fs.closeSync(log);
    const server = new Server(child);
    try {
      await server.becomesReady(ready);
    } catch (error) {
      await server.stop();
      throw new Error(`${command[0] ?? ""} doesn't serve: ${fs.readFileSync(logFile, "utf8").slice(-2000)}`, {
        cause: error,
      });
    }
    return server;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "close");
  }

  private async becomesReady(ready: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + readyWithinSeconds * 1000;
    for (;;) {
      try {
        await ready();
        return;
      } catch (error) {
        if (this.child.exitCode !== null || Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }
}
