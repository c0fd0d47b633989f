import path from "node:path";
import { Command } from "commander";
import { reason } from "../../cluster/thrown";
import { bringUp } from "../../local/bringUp";
import { outDir } from "../../local/paths";
import { withPlatformLock } from "../../local/platformLock";
import { acquireTools } from "../../tools/acquire";
import { Interrupted, interruptible } from "../../tools/interrupt";
import { type DataCase, dataCases, nameOf, roundOf } from "../data/cases";
import { type Gone, goThrough, goThroughKill } from "../data/goThrough";
import { legNames, step } from "../data/legs";
import { DataScene } from "../data/scene";
import { freshSeed, seeded } from "../faults/random";
import { count } from "./count";
import {
  type DataReport,
  type Try,
  finalTable,
  isClean,
  readReport,
  tryText,
  writeReport,
} from "./dataReport";

const reportFile = path.join(outDir, "soak-data.json");

interface Options {
  readonly times: number;
  readonly seed?: number;
  readonly fresh?: true;
}

/** `npm run soak -- data`. @param done is given the exit code */
export function dataCommand(done: (code: number) => void): Command {
  return new Command("data")
    .description(
      "Kills everybody who takes part in a step of a schema, at every point of its way there and back, under writers, and counts what is lost.",
    )
    .option("--times <n>", "how often each", count, 3)
    .option("--seed <n>", "of the order", count)
    .option("--fresh", "forget the report of earlier runs")
    .action(async (options: Options) => done(await soakData(options)));
}

async function soakData({ times, seed, fresh }: Options): Promise<number> {
  const tools = await acquireTools();
  const earlier = fresh === true ? undefined : readReport(reportFile);
  const report =
    earlier !== undefined && (seed === undefined || seed === earlier.seed)
      ? earlier
      : { seed: seed ?? freshSeed(), rounds: 0, tries: [] };
  await withPlatformLock(() => bringUp(tools));
  process.stdout.write(
    `seed ${report.seed}; ${report.tries.length} of ${times * dataCases.length} kills so far; report ${path.relative(process.cwd(), reportFile)}\n`,
  );
  let interrupted: Interrupted | undefined;
  try {
    await interruptible(async (signal) => {
      const scene = await DataScene.create("soak-data");
      try {
        await run(scene, report, times, signal);
      } finally {
        await scene.restore(step).finally(() => scene.close());
      }
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = error;
  }
  process.stdout.write(`\n${finalTable(report)}\n`);
  if (interrupted) process.stdout.write("Interrupted; npm run soak -- data goes on from here.\n");
  return isClean(report) ? (interrupted?.exitCode ?? 0) : 1;
}

/** One way there and back after the other, until each kill has happened so often or the signal aborts. */
async function run(scene: DataScene, report: DataReport, times: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const open = dataCases.filter((each) => triesOf(report, each) < times);
    if (open.length === 0) return;
    const round = roundOf(open, seeded(report.seed * 100_003 + report.rounds));
    report.rounds += 1;
    await scene.forget();
    if ([...round.values()].some(({ victim }) => victim === "PostgreSQL")) await scene.renewInstance();
    for (const leg of legNames) {
      signal.throwIfAborted();
      const killed = round.get(leg);
      if (killed === undefined) await goThrough(scene, leg);
      else if (!(await attempt(scene, report, killed, signal))) break;
    }
  }
}

/** @returns whether the way goes on; it doesn't where the next leg can't begin, and then all is as it was before the way */
async function attempt(
  scene: DataScene,
  report: DataReport,
  killed: DataCase,
  signal: AbortSignal,
): Promise<boolean> {
  const startedAt = Date.now();
  const gone = await goThroughKill(scene, killed).catch((error: unknown): Gone => ({
    outcome: "not done",
    ...{ missed: { lost: [], doubled: 0, unread: [] }, stallMs: 0, failedAnswers: 0 },
    problems: [reason(error)],
  }));
  // It was not left alone.
  signal.throwIfAborted();
  const { missed, ...rest } = gone;
  const each: Try = {
    name: nameOf(killed),
    killsPostgresql: killed.victim === "PostgreSQL",
    ...rest,
    lost: missed.lost.length + missed.unread.length,
    doubled: missed.doubled,
    seconds: (Date.now() - startedAt) / 1000,
  };
  report.tries.push(each);
  writeReport(reportFile, report);
  process.stdout.write(`[${report.tries.length}] ${tryText(each)} (${each.seconds.toFixed(0)} s)\n`);
  if (gone.problems.length === 0) return true;
  await scene.restore(step);
  return false;
}

function triesOf({ tries }: DataReport, which: DataCase): number {
  return tries.filter(({ name }) => name === nameOf(which)).length;
}
