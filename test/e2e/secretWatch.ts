import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { localEnvironment } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { checkoutDir, logDir, pulumiStateDir } from "../../local/paths";
import { tools } from "./world";

/** Sets secrets of a stack's config, and looks for one of them wherever it must not stand in clear. */
export class SecretWatch {
  /** What commands printed. */
  readonly said: string[] = [];
  private readonly forms: readonly string[];
  private readonly seenInArguments = new Set<string>();

  constructor(
    private readonly stack: LocalStack,
    secret: string,
  ) {
    this.forms = [secret, Buffer.from(secret).toString("base64")];
  }

  /** From stdin, as docs/secrets.md has it. */
  async set(key: string, value: string): Promise<void> {
    const found = await tools();
    const args = ["config", "set", "--secret", "--path", key, "--config-file", this.stack.stackFile];
    const child = spawn(found.path("pulumi"), args, {
      cwd: checkoutDir,
      env: { ...process.env, ...localEnvironment(found) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(value);
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.said.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.said.push(text));
    await once(child, "close");
    assert.equal(child.exitCode, 0, this.said.join(""));
  }

  /** Looks at the arguments of every process, again and again, for as long as `work` takes. */
  async during(work: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const watching = this.watchArguments(over.signal);
    try {
      await work();
    } finally {
      over.abort();
      await watching;
    }
  }

  assertNowhere(): void {
    for (const output of this.said) this.assertWithout(output, "what was said");
    assert.deepEqual([...this.seenInArguments], []);
    this.assertWithout(this.stack.readStackFile(), "the stack file");
    for (const folder of [pulumiStateDir, logDir, path.join(checkoutDir, "out", "e2e")]) {
      for (const file of filesIn(folder)) this.assertWithout(fs.readFileSync(file, "latin1"), file);
    }
  }

  private async watchArguments(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const line = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
          if (this.forms.some((form) => line.includes(form))) this.seenInArguments.add(line);
        } catch {
          // It has ended.
        }
      }
      await sleep(50);
    }
  }

  private assertWithout(text: string, where: string): void {
    for (const form of this.forms) assert.ok(!text.includes(form), `found the secret in ${where}`);
  }
}

function filesIn(folder: string): readonly string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
}
