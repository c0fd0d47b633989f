import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { exitCodes } from "../cutover/exitCodes";
import { git } from "../cutover/git";
import type { Project } from "../cutover/project";
import { reason } from "../cluster/thrown";
import { run } from "../tools/child";
import type { Executor, Protection, Recorded } from "./executor";
import type { Intent } from "./intents";

const said = z.object({ recorded: z.boolean(), healthy: z.boolean(), problems: z.array(z.string()) });

/** How long a fetch may take, in ms. */
const fetchPatience = 30_000;

/**
 * A checkout of its own, by the same commands that a human types: their journal and locks hold, and `cutover` is a
 * process of its own, which goes on when the guard is killed.
 */
export class CheckoutExecutor implements Executor {
  constructor(private readonly project: Project) {}

  async protect({ target, because, since }: Protection): Promise<Recorded> {
    try {
      await this.catchUp();
      const subjects = await git(this.folder, ["log", `--since=${since.toISOString()}`, "--format=%s"]);
      if (subjects.split("\n").some((subject) => subject.startsWith(`${target}: read-write`))) {
        return { done: true, problems: ["somebody has let it write again since the alert began"] };
      }
    } catch (error) {
      return { done: false, why: reason(error) };
    }
    return this.cutover(["read-only", target, "--yes", "--because", because]);
  }

  record({ target, because }: Intent): Promise<Recorded> {
    return this.cutover(["rollback", target, "--because", because]);
  }

  recordTogether(intents: readonly Intent[]): Promise<Recorded> {
    const because = intents.map((each) => each.because).join("; ");
    const short = because.length > 200 ? `${because.slice(0, 199)}…` : because;
    return this.cutover(["rollback", "--level", "2", "--keep-traffic", "--yes", "--because", short]);
  }

  private get folder(): string {
    return path.dirname(fs.realpathSync(this.project.configFile));
  }

  private async cutover(args: readonly string[]): Promise<Recorded> {
    try {
      await this.catchUp();
      return await this.runCutover(args);
    } catch (error) {
      return { done: false, why: reason(error) };
    }
  }

  /**
   * What others have pushed comes in first: an update from an old file would take back what they did. Without a
   * remote, as on the local stack, there is nobody else. @throws GitError
   */
  private async catchUp(): Promise<void> {
    const { folder } = this;
    const upstream = await git(folder, ["rev-parse", "--abbrev-ref", "HEAD@{upstream}"]).then(
      (text) => text.trim(),
      () => undefined,
    );
    if (upstream === undefined) return;
    await git(folder, ["fetch", "--quiet"], { signal: AbortSignal.timeout(fetchPatience) });
    const before = await git(folder, ["rev-parse", "HEAD"]);
    try {
      await git(folder, ["merge", "--quiet", "--no-edit", upstream]);
    } catch (error) {
      await git(folder, ["merge", "--abort"]).catch(() => undefined);
      throw error;
    }
    const changed = await git(folder, ["diff", "--name-only", before.trim(), "HEAD"]);
    if (changed.split("\n").some((file) => path.basename(file) === "package-lock.json")) {
      await run("npm", ["ci"], { cwd: this.project.dir });
    }
  }

  private async runCutover(args: readonly string[]): Promise<Recorded> {
    const { dir, stack, configFile } = this.project;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "guard-"));
    const [stdout, stderr] = [path.join(folder, "stdout"), path.join(folder, "stderr")];
    // Files, no pipes: a pipe whose reader was killed would end it in the middle of its work.
    const [out, err] = [fs.openSync(stdout, "w"), fs.openSync(stderr, "w")];
    try {
      const child = spawn(
        process.execPath,
        [
          path.join(dir, "cutover", "bin", "cutover"),
          ...args,
          ...["--json", "--stack", stack, "--config-file", configFile],
        ],
        { cwd: dir, stdio: ["ignore", out, err], detached: true },
      );
      await once(child, "close");
      return outcome(child.exitCode, fs.readFileSync(stdout, "utf8"), fs.readFileSync(stderr, "utf8"));
    } finally {
      fs.closeSync(out);
      fs.closeSync(err);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
}

function outcome(code: number | null, stdout: string, stderr: string): Recorded {
  const parsed = stdout === "" ? undefined : said.safeParse(JSON.parse(stdout)).data;
  if (parsed?.recorded === true) {
    const unhealthy = code === exitCodes.done ? [] : ["it is recorded, but not healthy"];
    return { done: true, problems: [...unhealthy, ...parsed.problems] };
  }
  const words = parsed === undefined ? stderr.trim() : parsed.problems.join("\n");
  return { done: false, why: words === "" ? `cutover ended with ${code ?? "a signal"}` : words };
}
