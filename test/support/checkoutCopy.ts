import fs from "node:fs";
import path from "node:path";
import { checkoutDir } from "../../local/paths";
import { run } from "../../tools/child";

/**
 * A repository of its own with the checkout's files as they are now, committed or not, and a remote that has them too.
 * @param folder inside the checkout: Node finds the packages further up
 */
export async function copyCheckout(folder: string, remote: string): Promise<void> {
  const listed = await run("git", [
    ...["-C", checkoutDir, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  ]);
  for (const file of listed.split("\0").filter(Boolean)) {
    const [from, to] = [path.join(checkoutDir, file), path.join(folder, file)];
    if (!fs.existsSync(from)) continue;
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(from, to);
  }
  const git = (...args: string[]): Promise<string> => gitIn(folder, "an engineer", args);
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "The files as in the checkout");
  await git("remote", "add", "origin", remote);
  await git("push", "--quiet", "--set-upstream", "origin", "main");
}

/** Runs git as somebody of that name. */
export function gitIn(folder: string, name: string, args: readonly string[]): Promise<string> {
  const identity = [
    ...["-c", `user.name=${name}`],
    ...["-c", "user.email=nobody@localhost"],
    ...["-c", "commit.gpgsign=false"],
  ];
  return run("git", ["-C", folder, ...identity, ...args]);
}
