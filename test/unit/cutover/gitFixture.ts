import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** Without what the machine's user has set for git. */
export const plainGit = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
};

/** An edit such as a command makes: `key: 0` becomes `key: 100`. */
export function set(key: string): (text: string) => string {
  return (text) => text.replace(new RegExp(`^${key}: \\d+`, "m"), `${key}: 100`);
}

/** A real git repository in a temporary folder, with an identity and no commit. */
export class GitFixture {
  readonly folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "cutover-git-")));

  constructor() {
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("config", "user.name", "Test");
    this.git("config", "user.email", "test@example.com");
  }

  /** @returns what git wrote to stdout, whole */
  git(...args: string[]): string {
    return this.gitIn(this.folder, ...args);
  }

  gitIn(folder: string, ...args: string[]): string {
    return execFileSync("git", ["-C", folder, ...args], {
      encoding: "utf8",
      env: { ...process.env, ...plainGit },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  write(file: string, text: string): void {
    fs.mkdirSync(path.dirname(this.path(file)), { recursive: true });
    fs.writeFileSync(this.path(file), text);
  }

  read(file: string): string {
    return fs.readFileSync(this.path(file), "utf8");
  }

  /** Writes `text` and commits only that. */
  commit(file: string, text: string): void {
    this.write(file, text);
    this.git("add", "--", file);
    this.git("commit", "--quiet", "--message", `writes ${file}`, "--", file);
  }

  /** @param script what follows `#!/bin/sh` */
  hook(name: string, script: string): void {
    fs.writeFileSync(this.path(".git", "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
