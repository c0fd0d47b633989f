import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
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
  /** What took long, in milliseconds. */
  readonly slow?: readonly (readonly [string, number])[];
}

/** From here on a spec's time is told, in milliseconds: the whole has a limit, and these are what it is spent on. */
const slowSpecMs = 60_000;

const binary = (name: string): string => path.join(checkoutDir, "node_modules", ".bin", name);

/**
 * `npm test`: cheapest first; the end-to-end tests bring up the platform themselves. With `--in-depth` also what takes
 * another half an hour (test/inDepth), which is too long for every change.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { "in-depth": { type: "boolean", default: false } } });
  const endToEnd = values["in-depth"] ? ["e2e", "inDepth"] : ["e2e"];
  const tools = await acquireTools();
  process.env["VEGETA"] = tools.path("vegeta");
  process.env["PODINFO"] = tools.path("podinfo");
  process.env["PULUMI"] = tools.path("pulumi");
  process.env["MOTO_SERVER"] = tools.path("moto_server");
  process.env["AWS_CLI"] = tools.path("aws");
  process.env["DOCKER_REGISTRY"] = tools.path("docker-registry");
  process.env["PROMETHEUS"] = tools.path("prometheus");
  process.env["PROMTOOL"] = tools.path("promtool");
  process.env["ALERTMANAGER"] = tools.path("prometheus-alertmanager");
  process.env["AMTOOL"] = tools.path("amtool");
  process.env["BLACKBOX_EXPORTER"] = tools.path("prometheus-blackbox-exporter");
  process.env["POSTGRES_EXPORTER"] = tools.path("postgres_exporter");
  process.env["POSTGRESQL_BIN"] = tools.postgresql.bin;
  const timings: [string, number][] = [];
  const timed = async (name: string, work: () => Promise<Tally>): Promise<Tally> => {
    process.stdout.write(`\n=== ${name}\n`);
    const started = Date.now();
    const tally = await work();
    timings.push([name, Date.now() - started]);
    for (const [spec, ms] of tally.slow ?? []) timings.push([`  ${spec}`, ms]);
    return tally;
  };

  const scriptFolders = [".ci", ".github/scripts", "backup", "test/support/bin"];
  const shellScripts = scriptFolders.flatMap((folder) =>
    fs.readdirSync(path.join(checkoutDir, folder)).map((name) => path.join(checkoutDir, folder, name)),
  );
  // The longest beside the others: there are two processors or more.
  const eslint = timed("eslint", () => check(binary("eslint"), ["."]));
  const tallies = [
    await timed("types", () => check(binary("tsc"), ["--noEmit"])),
    await timed("prettier", () => check(binary("prettier"), ["--check", "."])),
    await timed("shellcheck", () => check(tools.path("shellcheck"), shellScripts)),
    await timed("actionlint", () =>
      check(tools.path("actionlint"), ["-shellcheck", tools.path("shellcheck"), "-pyflakes="]),
    ),
    await timed("stand-in (go vet)", () => check("go", ["-C", "local/standin", "vet", "."])),
    await timed("migrations (go vet)", () => check("go", ["-C", "local/migrations", "vet", "."])),
    await timed("stand-in (go test)", () => check("go", ["-C", "local/standin", "test", "."])),
    await eslint,
    // The longest first, or one processor ends up with nothing to do.
    await timed("unit and golden", () => runMocha(["golden", "unit"], { timeout: 60_000, parallel: true })),
  ];
  const wasUp = runningParts().length > 0;
  await withPlatformLock(() => bringUp(tools));
  tallies.push(await timed("end to end", () => runMocha(endToEnd, { timeout: 300_000 })));
  // Last, because it leaves nothing to test: a platform that was up before is left up.
  tallies.push(await timed("platform", () => runMocha(["platform"], { timeout: 300_000 })));
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

interface HowToRun {
  /** Of a test, in milliseconds. */
  readonly timeout: number;
  /** Specs that have nothing in common run side by side, one per core. @default one after the other */
  readonly parallel?: boolean;
}

function runMocha(folders: readonly string[], { timeout, parallel = false }: HowToRun): Promise<Tally> {
  const mocha = new Mocha({
    ...{ timeout, slow: timeout, color: process.stdout.isTTY },
    ...(parallel && { parallel, jobs: os.availableParallelism(), require: ["ts-node/register"] }),
  });
  for (const folder of folders) {
    const files = fs.readdirSync(path.join(__dirname, folder), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((name) => name.endsWith(".spec.ts")).sort()) {
      mocha.addFile(path.join(__dirname, folder, file));
    }
  }
  return new Promise((resolve) => {
    const lines: string[] = [];
    const spent = new Map<string, number>();
    const runner = mocha.run(() => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      const slow = [...spent].filter(([, ms]) => ms >= slowSpecMs);
      resolve({ passed: passes, failed: failures, skipped: pending, failures: lines, slow });
    });
    const spend = ({ file, duration }: Mocha.Runnable): void => {
      const spec = path.basename(file ?? "");
      spent.set(spec, (spent.get(spec) ?? 0) + (duration ?? 0));
    };
    runner.on("test end", spend);
    runner.on("hook end", spend);
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
