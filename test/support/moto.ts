import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How a command ended, and all that it wrote. */
export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** AWS as moto has it, on a free port of 127.0.0.1: S3, KMS, IAM, STS, Route 53. It stands in for the real one. */
export class Moto {
  private constructor(
    private readonly server: ChildProcess,
    private readonly port: number,
    private readonly folder: string,
  ) {}

  /**
   * @param script of Python that starts the server in moto's place
   * @returns undefined where moto and the AWS CLI aren't named by MOTO_SERVER and AWS_CLI
   */
  static async start(script?: string): Promise<Moto | undefined> {
    const binary = process.env["MOTO_SERVER"];
    if (binary === undefined || process.env["AWS_CLI"] === undefined) return undefined;
    const port = await freePort();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "moto-"));
    const [command, ...args] = script === undefined ? [binary] : ["python3", script];
    const server = spawn(command, [...args, "-H", "127.0.0.1", "-p", String(port)], {
      env: {
        ...process.env,
        // It refuses nothing until a test asks it to.
        INITIAL_NO_AUTH_ACTION_COUNT: "inf",
        ...(script !== undefined && { PYTHONPATH: path.join(path.dirname(binary), "lib") }),
      },
      stdio: "ignore",
    });
    const moto = new Moto(server, port, folder);
    await moto.answers();
    return moto;
  }

  /** The same, for a suite that can't do without. */
  static async startOrSkip(suite: Mocha.Context): Promise<Moto> {
    const started = await Moto.start();
    if (started !== undefined) return started;
    console.log("    skipped: MOTO_SERVER and AWS_CLI don't name moto and the AWS CLI");
    return suite.skip();
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** For a process that uses the AWS CLI: the pinned one, first on its PATH, at this AWS, as an administrator. */
  get env(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
    return {
      ...Object.fromEntries(own),
      PATH: `${path.dirname(process.env["AWS_CLI"] ?? "")}:${process.env["PATH"] ?? ""}`,
      HOME: this.folder,
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: "eu-central-1",
      AWS_DEFAULT_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "administrator",
      AWS_SECRET_ACCESS_KEY: "secret",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
    };
  }

  /** What the AWS CLI wrote to stdout. */
  async aws(...args: string[]): Promise<string> {
    const { code, output } = await this.run("aws", args);
    assert.equal(code, 0, `aws ${args.join(" ")}\n${output}`);
    return output;
  }

  /** Runs a command that uses this AWS. @param cwd @default this process's */
  async run(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    cwd?: string,
  ): Promise<Ran> {
    const child = spawn(command, args, {
      cwd,
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    await once(child, "close");
    return { code: child.exitCode, output };
  }

  /** From now on IAM's policies count, the administrator's no more. */
  async enforcePolicies(): Promise<void> {
    await fetch(`${this.endpoint}/moto-api/reset-auth`, { method: "POST", body: "0" });
  }

  /** Forgets all that is in it. */
  async reset(): Promise<void> {
    await fetch(`${this.endpoint}/moto-api/reset-auth`, { method: "POST", body: "inf" });
    await fetch(`${this.endpoint}/moto-api/reset`, { method: "POST" });
  }

  async stop(): Promise<void> {
    const ended = once(this.server, "exit");
    this.server.kill();
    await ended;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (this.server.exitCode !== null) throw new Error(`moto ended with ${this.server.exitCode}`);
      try {
        await fetch(`${this.endpoint}/moto-api/data.json`);
        return;
      } catch {
        await sleep(100);
      }
    }
    throw new Error("moto doesn't answer within 30 s");
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  assert(typeof address === "object" && address !== null);
  return address.port;
}
