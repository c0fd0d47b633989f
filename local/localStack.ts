import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../tools/acquire";
import { hasStaleLock, localEnvironment, stackName } from "./environment";
import { checkoutDir } from "./paths";
import { run } from "../tools/child";

const stackFileName = `Pulumi.${stackName}.yaml`;

/** How a `pulumi` command ended. */
export interface PulumiResult {
  readonly code: number;
  /** Everything that it printed, in order. */
  readonly output: string;
  readonly seconds: number;
}

export interface PulumiOptions {
  /** Kills the command. */
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
}

/**
 * The local stack with its stack file in a git repository of its own, so that every change is a commit and every
 * rollback a `git revert`, and the checkout stays as it is.
 */
export class LocalStack {
  private readonly environment: NodeJS.ProcessEnv;

  private constructor(
    private readonly tools: Toolbox,
    /** The repository that holds the copy of the stack file. */
    readonly repository: string,
  ) {
    this.environment = { ...process.env, ...localEnvironment(tools) };
  }

  /** A fresh repository at `repository` with the checkout's stack file as its first commit; what was there is replaced. */
  static async create(tools: Toolbox, repository: string): Promise<LocalStack> {
    fs.rmSync(repository, { recursive: true, force: true });
    fs.mkdirSync(repository, { recursive: true });
    fs.copyFileSync(path.join(checkoutDir, stackFileName), path.join(repository, stackFileName));
    const stack = new LocalStack(tools, repository);
    await stack.git("init", "--quiet", "--initial-branch=main");
    await stack.git("add", stackFileName);
    await stack.git("commit", "--quiet", "--message", "The stack file as in the checkout");
    await stack.ensureStack();
    return stack;
  }

  get stackFile(): string {
    return path.join(this.repository, stackFileName);
  }

  readStackFile(): string {
    return fs.readFileSync(this.stackFile, "utf8");
  }

  /** Changes the stack file and commits it. */
  async commit(message: string, edit: (text: string) => string): Promise<void> {
    fs.writeFileSync(this.stackFile, edit(this.readStackFile()));
    await this.git("commit", "--quiet", "--message", message, stackFileName);
  }

  /** Undoes the newest commits with one new commit each. */
  async revert(commits: number): Promise<void> {
    await this.git("revert", "--no-edit", `HEAD~${commits}..HEAD`);
  }

  git(...args: string[]): Promise<string> {
    const identity = [
      "-c",
      "user.name=walkthrough",
      "-c",
      "user.email=walkthrough@localhost",
      "-c",
      "commit.gpgsign=false",
    ];
    return run("git", ["-C", this.repository, ...identity, ...args]);
  }

  up({
    refresh = false,
    ...options
  }: PulumiOptions & { readonly refresh?: boolean } = {}): Promise<PulumiResult> {
    const args = ["up", "--yes", "--skip-preview", "--config-file", this.stackFile];
    return this.pulumi(refresh ? [...args, "--refresh"] : args, options);
  }

  preview(options?: PulumiOptions): Promise<PulumiResult> {
    return this.pulumi(["preview", "--expect-no-changes", "--config-file", this.stackFile], options);
  }

  /** Runs the CLI as a user would, in the checkout, on the local stack. */
  pulumi(args: readonly string[], { signal, environment }: PulumiOptions = {}): Promise<PulumiResult> {
    const started = Date.now();
    return new Promise((resolve, reject) => {
      const child = spawn(this.tools.path("pulumi"), [...args, "--non-interactive", "--color", "never"], {
        cwd: checkoutDir,
        env: { ...this.environment, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
        // Ctrl-C at the terminal must reach it once, from here: a second one would end an update half way.
        detached: true,
        ...(signal && { signal, killSignal: "SIGINT" as const }),
      });
      let output = "";
      const take = (chunk: Buffer): void => {
        output += chunk.toString();
      };
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      child.on("error", reject);
      child.on("close", (code) =>
        resolve({ code: code ?? 1, output, seconds: (Date.now() - started) / 1000 }),
      );
    });
  }

  /** Makes the stack in the backend once, and takes away the lock of an update that was killed. */
  private async ensureStack(): Promise<void> {
    const options = { env: this.environment, cwd: checkoutDir };
    const pulumi = this.tools.path("pulumi");
    const stacks = await run(pulumi, ["stack", "ls", "--json"], options);
    if (!stacks.includes(`"name": "${stackName}"`)) {
      await run(pulumi, ["stack", "init", stackName, "--no-select"], options);
    } else if (hasStaleLock()) {
      await run(pulumi, ["cancel", "--yes", "--stack", stackName], options);
    }
  }
}
