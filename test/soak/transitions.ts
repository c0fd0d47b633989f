import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { createLogUpdate } from "log-update";
import { routedTargets } from "../../catalog";
import { KubeApi } from "../../cluster/kubeApi";
import { bringUp } from "../../local/bringUp";
import { formatSplit } from "../../migration";
import { LocalStack } from "../../local/localStack";
import { adminKubeconfig, outDir } from "../../local/paths";
import { withPlatformLock } from "../../local/platformLock";
import { acquireTools } from "../../tools/acquire";
import { Interrupted, interruptible } from "../../tools/interrupt";
import { Latencies } from "../faults/latencies";
import { freshSeed, seeded } from "../faults/random";
import { RequestLog } from "../faults/requestLog";
import { count } from "./count";
import { type Round, type Soak, soakRound } from "./transitionRounds";
import {
  type SoakReport,
  addCount,
  finalTable,
  isReached,
  newReport,
  progressText,
  readReport,
  writeReport,
} from "./transitionReport";
import { outOfOrder } from "../support/outOfOrder";
import { Traffic } from "../faults/traffic";
import { allOnLegacy } from "../faults/transitions";
import { startApiProxy } from "../support/apiProxy";

const reportFile = path.join(outDir, "soak.json");
/** Over all targets together, per second; with five million requests, an hour and three quarters. */
const ratePerSecond = 800;

/** `npm run soak`. @param done is given the exit code */
export function transitionsCommand(done: (code: number) => void): Command {
  return new Command("transitions")
    .description("Moves traffic forth and back at random under load, with faults, and counts what is lost.")
    .option("--transitions <n>", "how many at least", count, 1000)
    .option("--requests <n>", "how many at least", count, 5_000_000)
    .option("--seed <n>", "of all that is random", count)
    .option("--fresh", "forget the report of earlier runs")
    .action(async (options: Options) => done(await soakTransitions(options)));
}

interface Options {
  readonly transitions: number;
  readonly requests: number;
  readonly seed?: number;
  readonly fresh?: true;
}

/** Transitions with faults among them, under load, until both figures are reached. */
async function soakTransitions(options: Options): Promise<number> {
  const tools = await acquireTools();
  await withPlatformLock(() => bringUp(tools));
  process.env["KUBECONFIG"] = adminKubeconfig;
  const report = reportFor(options);
  process.stdout.write(
    `seed ${report.seed}; ${progressText(report)}; report ${path.relative(process.cwd(), reportFile)}\n`,
  );
  const requests = new RequestLog();
  const proxy = await startApiProxy({ kubeconfig: adminKubeconfig, onRequest: requests.judge });
  let interrupted: Interrupted | undefined;
  try {
    const stack = await onLegacy(tools);
    const soak: Soak = { stack, api: await KubeApi.connect(), proxy, requests, tools };
    await interruptible((signal) => run(soak, report, signal));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = error;
  } finally {
    await proxy.close();
    await withPlatformLock(() => bringUp(tools));
    await onLegacy(tools);
  }
  process.stdout.write(`\n${finalTable(report)}\n`);
  if (interrupted) process.stdout.write("Interrupted; npm run soak goes on from here.\n");
  if (report.failed > 0 || report.problems.length > 0) return 1;
  return interrupted?.exitCode ?? 0;
}

/** Goes on where an earlier run has stopped; with other figures wanted, those count from now on. */
function reportFor({ transitions, requests, seed, fresh }: Options): SoakReport {
  const goal = { transitions, requests };
  const earlier = fresh === true ? undefined : readReport(reportFile);
  const usable =
    earlier !== undefined && (seed === undefined || seed === earlier.seed) && !isReached(earlier);
  return usable ? { ...earlier, goal } : newReport(seed ?? freshSeed(), goal);
}

/** Rounds until the goal is reached, something went wrong, or the signal aborts; a round that is begun is ended. */
async function run(soak: Soak, report: SoakReport, signal: AbortSignal): Promise<void> {
  const screen = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
  const keep = (text: string): void => {
    screen?.clear();
    process.stdout.write(`${text}\n`);
  };
  const began = { ...report, latencies: new Latencies(report.latencies) };
  const startedAt = Date.now();
  const traffic = new Traffic({ vegeta: soak.tools.path("vegeta"), targets: routedTargets, ratePerSecond });
  const take = (): void => {
    report.requests = began.requests + traffic.requests;
    report.failed = began.failed + traffic.lost.length;
    report.failedInOutages = began.failedInOutages + traffic.excused;
    const latencies = new Latencies(began.latencies.toJSON());
    latencies.merge(traffic.latencies);
    report.latencies = latencies.toJSON();
    report.seconds = began.seconds + (Date.now() - startedAt) / 1000;
  };
  const draw = (): void => {
    take();
    screen?.(progressText(report));
  };
  const watch = screen && setInterval(draw, 500).unref();
  try {
    let splits = allOnLegacy;
    while (!isReached(report) && !signal.aborted) {
      const random = seeded(report.seed * 100_003 + report.rounds);
      report.rounds += 1;
      try {
        const round = await Promise.race([soakRound(soak, random, splits, traffic), neverEnds(traffic)]);
        splits = round.splits;
        record(report, round);
        take();
        keep(`[${report.rounds}] ${roundText(round)}  (${progressText(report)})`);
      } catch (error) {
        take();
        const text = `round ${report.rounds}: ${error instanceof Error ? error.message : String(error)}`;
        report.problems.push(text);
        keep(text);
        splits = allOnLegacy;
        await withPlatformLock(() => bringUp(soak.tools));
        await settle(soak.stack);
      }
      writeReport(reportFile, report);
    }
  } finally {
    clearInterval(watch);
    await traffic.stop();
    take();
    screen?.clear();
    screen?.done();
    writeReport(reportFile, report);
  }
}

function record(report: SoakReport, { transitions, fault }: Round): void {
  for (const { kind } of transitions) addCount(report.transitions, kind);
  if (fault === undefined) return;
  const [what, outcome] = fault;
  addCount((report.faults[what] ??= {}), outcome);
}

function roundText({ transitions, fault }: Round): string {
  const moves = transitions.map(({ target, to }) => `${target} ${formatSplit(to)}`).join(", ");
  return fault === undefined ? moves : `${moves}; ${fault.join(": ")}`;
}

async function neverEnds(traffic: Traffic): Promise<never> {
  await traffic.ended;
  return new Promise<never>(() => undefined);
}

/** A fresh repository, and all on legacy, whatever a fault or an earlier run has left. */
async function onLegacy(tools: Parameters<typeof LocalStack.create>[0]): Promise<LocalStack> {
  const stack = await LocalStack.create(tools, path.join(outDir, "soak"));
  await stack.commit("Targets may move when the soak likes", outOfOrder);
  await stack.git("config", "user.name", "soak");
  await stack.git("config", "user.email", "soak@localhost");
  await settle(stack);
  return stack;
}

async function settle(stack: LocalStack): Promise<void> {
  const [first = ""] = (await stack.git("rev-list", "--max-parents=0", "HEAD")).split("\n");
  const original = await stack.git("show", `${first}:./Pulumi.local.yaml`);
  if (stack.readStackFile() !== original) await stack.commit("all on legacy", () => original);
  for (let attempt = 1; ; attempt += 1) {
    const { code, output } = await stack.up({ refresh: true });
    if (code === 0) return;
    if (attempt === 3) throw new Error(`the stack can't be brought back to legacy:\n${output}`);
    await stack.pulumi(["cancel", "--yes", "--stack", "local"]);
    await sleep(1000);
  }
}
