import fs from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { bringUp } from "../../local/bringUp";
import { outDir } from "../../local/paths";
import { withPlatformLock } from "../../local/platformLock";
import { acquireTools } from "../../tools/acquire";
import { Interrupted, interruptible } from "../../tools/interrupt";
import { type Random, freshSeed, seeded } from "../faults/random";
import { happen } from "../incidents/happen";
import type { Chances, Kind } from "../incidents/incident";
import { kinds } from "../incidents/kinds";
import { Scene } from "../incidents/scene";
import { count } from "./count";
import { type IncidentReport, finalTable, isClean, readReport, tryText, writeReport } from "./incidentReport";

const reportFile = path.join(outDir, "soak-incidents.json");
/** What the guard said in each try that wasn't clean: nothing else tells what it did. */
const guardLogFile = path.join(outDir, "soak-incidents-guard.log");

interface Options {
  readonly times: number;
  readonly seed?: number;
  readonly fresh?: true;
}

/** `npm run soak -- incidents`. @param done is given the exit code */
export function incidentsCommand(done: (code: number) => void): Command {
  return new Command("incidents")
    .description(
      "Lets every incident happen under load, many times, and counts what the guard misses and what it rolls back wrongly.",
    )
    .option("--times <n>", "how often each", count, 20)
    .option("--seed <n>", "of all that is random", count)
    .option("--fresh", "forget the report of earlier runs")
    .action(async (options: Options) => done(await soakIncidents(options)));
}

async function soakIncidents({ times, seed, fresh }: Options): Promise<number> {
  const tools = await acquireTools();
  const earlier = fresh === true ? undefined : readReport(reportFile);
  const report =
    earlier !== undefined && (seed === undefined || seed === earlier.seed)
      ? earlier
      : { seed: seed ?? freshSeed(), tries: [] };
  await withPlatformLock(() => bringUp(tools));
  process.stdout.write(
    `seed ${report.seed}; ${report.tries.length} tries so far; report ${path.relative(process.cwd(), reportFile)}\n`,
  );
  let interrupted: Interrupted | undefined;
  try {
    await interruptible(async (signal) => {
      const scene = await Scene.create("soak-incidents");
      try {
        await run(scene, report, times, signal);
      } finally {
        await scene.close();
      }
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = error;
  }
  process.stdout.write(`\n${finalTable(report)}\n`);
  if (interrupted) process.stdout.write("Interrupted; npm run soak -- incidents goes on from here.\n");
  return isClean(report) ? (interrupted?.exitCode ?? 0) : 1;
}

/** One incident after the other, until each has happened so often or the signal aborts; one that is broken off doesn't count. */
async function run(scene: Scene, report: IncidentReport, times: number, signal: AbortSignal): Promise<void> {
  const all = kinds(scene);
  while (report.tries.length < times * all.length) {
    signal.throwIfAborted();
    const { kind, chances } = next(all, report);
    const startedAt = Date.now();
    const said = scene.log.length;
    const outcome = await happen(scene, kind.incident(chances), signal);
    // It was not left alone.
    signal.throwIfAborted();
    const each = {
      ...{ incident: kind.name, percent: chances.percent, ...outcome },
      seconds: (Date.now() - startedAt) / 1000,
    };
    report.tries.push(each);
    writeReport(reportFile, report);
    process.stdout.write(`[${report.tries.length}] ${tryText(each)} (${each.seconds.toFixed(0)} s)\n`);
    if (!isClean({ ...report, tries: [each] })) {
      const lines = [tryText(each), ...scene.log.slice(said).map((line) => JSON.stringify(line))];
      fs.appendFileSync(guardLogFile, `${lines.join("\n")}\n`);
    }
    // The next one is to begin where this one did, whatever went wrong.
    if (outcome.backAfter === undefined || outcome.problems.length > 0) await scene.restore();
  }
}

/** Each once in a round, in another order in each. */
function next(all: readonly Kind[], { seed, tries }: IncidentReport): { kind: Kind; chances: Chances } {
  const [round, place] = [Math.floor(tries.length / all.length), tries.length % all.length];
  const kind = seeded(seed * 100_003 + round).some(all, all.length)[place];
  if (kind === undefined) throw new RangeError("found no incident, expected one or more");
  return { kind, chances: draw(seeded(seed * 200_003 + tries.length), kind) };
}

function draw(random: Random, { percents }: Kind): Chances {
  return {
    percent: random.pick(percents),
    over: 1.1 + 2 * random.next() ** 2,
    under: 0.5 + 0.4 * random.next(),
    moment: random.next(),
  };
}
