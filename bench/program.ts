import fs from "node:fs";
import path from "node:path";
import { localEnvironment } from "../local/environment";
import { adminKubeconfig } from "../local/paths";
import type { Toolbox } from "../tools/acquire";
import { run } from "../tools/child";

/** The programs of this folder that are measured for comparison; each is a project of its own. */
export type ProgramName = "empty" | "naive";

const stackName = "bench";
const projects = {
  empty: { project: "pyairtable-bench-empty", namespace: undefined },
  naive: { project: "pyairtable-bench-naive", namespace: "naive" },
} as const;

/** A program to compare with: transpile only unless the environment says otherwise, on the local stack's backend. */
export class BenchProgram {
  private readonly dir: string;
  private readonly stackFile: string;

  constructor(
    private readonly tools: Toolbox,
    private readonly name: ProgramName,
    stateDir: string,
  ) {
    this.dir = path.join(__dirname, name);
    this.stackFile = path.join(stateDir, `${name}.yaml`);
  }

  /** Makes its stack and brings it up; what an earlier run left of it is removed first. */
  async create(): Promise<void> {
    await this.remove();
    await this.pulumi(["stack", "init", stackName, "--no-select"]);
    await this.up(0);
  }

  /** @returns seconds */
  preview(environment: NodeJS.ProcessEnv = {}): Promise<number> {
    return this.onStack(["preview", "--expect-no-changes"], environment);
  }

  /** @param frontendBlue percent of the one route that changes; the empty program ignores it. @returns seconds */
  up(frontendBlue: number, environment: NodeJS.ProcessEnv = {}): Promise<number> {
    const salt = fs.readFileSync(path.join(this.dir, `Pulumi.${stackName}.yaml`), "utf8");
    fs.mkdirSync(path.dirname(this.stackFile), { recursive: true });
    fs.writeFileSync(
      this.stackFile,
      `config:\n  ${projects[this.name].project}:frontendBlue: ${frontendBlue}\n${salt}`,
    );
    return this.onStack(["up", "--yes", "--skip-preview"], environment);
  }

  /** Takes everything away: by the namespace, which is faster than resource by resource and needs no whole state. */
  async remove(): Promise<void> {
    const { namespace } = projects[this.name];
    if (namespace !== undefined) {
      await run(this.tools.path("kubectl"), [
        ...["--kubeconfig", adminKubeconfig],
        ...["delete", "namespace", namespace, "--ignore-not-found", "--timeout=90s"],
      ]);
    }
    const stacks = await this.pulumi(["stack", "ls", "--json"]);
    if (!stacks.includes(`"name": "${stackName}"`)) return;
    await this.pulumi(["cancel", "--yes", "--stack", stackName]);
    await this.pulumi(["stack", "rm", stackName, "--yes", "--force", "--preserve-config"]);
  }

  private async onStack(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
    const started = performance.now();
    await this.pulumi([...args, "--stack", stackName, "--config-file", this.stackFile], environment);
    return (performance.now() - started) / 1000;
  }

  private pulumi(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
    // Without a signal: what runs goes on to its end, so that a Ctrl-C finds a stack that can be removed.
    return run(this.tools.path("pulumi"), [...args, "--non-interactive", "--color", "never"], {
      cwd: this.dir,
      env: {
        ...localEnvironment(this.tools),
        PULUMI_STACK: stackName,
        PULUMI_NODEJS_TRANSPILE_ONLY: "true",
        ...environment,
      },
    });
  }
}
