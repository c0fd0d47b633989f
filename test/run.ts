import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import Mocha from "mocha";
import { bringUp } from "../local/bringUp";
import { LocalStack } from "../local/localStack";
import { checkoutDir, outDir } from "../local/paths";
import { stopPlatform } from "../local/platform/down";
import { runningParts } from "../local/platform/processes";
import { withPlatformLock } from "../local/platformLock";
import { acquireTools } from "../tools/acquire";
import type { Toolbox } from "../tools/acquire";
import { elapsed } from "../tools/progress";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, a line each. */
  readonly failures: readonly string[];
}

const binary = (name: string): string => path.join(checkoutDir, "node_modules", ".bin", name);

/** `npm test`: everything that can be tested, cheapest first; the end-to-end tests bring up the platform themselves. */
async function main(): Promise<number> {
  const tools = await acquireTools();
  process.env["VEGETA"] = tools.path("vegeta");
  process.env["PODINFO"] = tools.path("podinfo");
  process.env["PULUMI"] = tools.path("pulumi");
  process.env["MOTO_SERVER"] = tools.path("moto_server");
  process.env["AWS_CLI"] = tools.path("aws");
  process.env["DOCKER_REGISTRY"] = tools.path("docker-registry");
  const timings: [string, number][] = [];
  const timed = async (name: string, work: () => Promise<Tally>): Promise<Tally> => {
    process.stdout.write(`\n=== ${name}\n`);
    const started = Date.now();
    const tally = await work();
    timings.push([name, Date.now() - started]);
    return tally;
  };

  const scriptFolders = [".ci", ".github/scripts", "backup", "test/support/bin"];
  const shellScripts = scriptFolders.flatMap((folder) =>
    fs.readdirSync(path.join(checkoutDir, folder)).map((name) => path.join(checkoutDir, folder, name)),
  );
  const tallies = [
    await timed("types", () => check(binary("tsc"), ["--noEmit"])),
    await timed("eslint", () => check(binary("eslint"), ["."])),
    await timed("prettier", () => check(binary("prettier"), ["--check", "."])),
    await timed("shellcheck", () => check(tools.path("shellcheck"), shellScripts)),
    await timed("actionlint", () =>
      check(tools.path("actionlint"), ["-shellcheck", tools.path("shellcheck"), "-pyflakes="]),
    ),
    await timed("stand-in (go vet)", () => check("go", ["-C", "local/standin", "vet", "."])),
    await timed("unit and golden", () => runMocha(["unit", "golden"], 20_000)),
  ];
  const wasUp = runningParts().length > 0;
  await withPlatformLock(() => bringUp(tools));
  tallies.push(await timed("end to end", () => runMocha(["e2e"], 300_000)));
  // Last, because it leaves nothing to test: a platform that was up before is left up.
  tallies.push(await timed("platform", () => runMocha(["platform"], 300_000)));
  if (wasUp) await restore(tools);
  else await withPlatformLock(stopPlatform);

  const sum = (count: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + count(tally), 0);
  const [passed, failed, skipped] = [sum((t) => t.passed), sum((t) => t.failed), sum((t) => t.skipped)];
  process.stdout.write(`\n${timings.map(([name, ms]) => `${name}: ${elapsed(ms)}`).join("\n")}\n`);
  // Again, at the end: a log of this length is read from there, and often cut to that.
  for (const failure of tallies.flatMap(({ failures }) => failures)) process.stdout.write(`\n${failure}`);
  if (skipped > 0) process.stdout.write(`\n${skipped} skipped\n`);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** Whoever had the platform up finds it up again, with the stack as in the checkout's file. */
async function restore(tools: Toolbox): Promise<void> {
  await withPlatformLock(() => bringUp(tools));
  const stack = await LocalStack.create(tools, path.join(outDir, "restored"));
  const { code, output } = await stack.up();
  if (code !== 0) throw new Error(`the platform is up again, but its stack is not:\n${output}`);
}

async function check(command: string, args: readonly string[]): Promise<Tally> {
  const child = spawn(command, args, { cwd: checkoutDir, stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0
    ? { passed: 1, failed: 0, skipped: 0, failures: [] }
    : { passed: 0, failed: 1, skipped: 0, failures: [path.basename(command)] };
}

function runMocha(folders: readonly string[], timeout: number): Promise<Tally> {
  const mocha = new Mocha({ timeout, slow: timeout, color: process.stdout.isTTY });
  for (const folder of folders) {
    const files = fs.readdirSync(path.join(__dirname, folder), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((name) => name.endsWith(".spec.ts")).sort()) {
      mocha.addFile(path.join(__dirname, folder, file));
    }
  }
  return new Promise((resolve) => {
    const lines: string[] = [];
    const runner = mocha.run(() => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      resolve({ passed: passes, failed: failures, skipped: pending, failures: lines });
    });
    runner.on("fail", (test, error: Error) => {
      lines.push(
        `${test.titlePath().join(" › ")}: ${error.message.trimStart().split("\n")[0]?.slice(0, 200)}`,
      );
    });
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.stdout.write("\n0 passed, 1 failed\n");
    process.exit(1);
  },
);
