import fs from "node:fs";
import path from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { bringUp } from "../local/bringUp";
import { adminKubeconfig, outDir } from "../local/paths";
import { withPlatformLock } from "../local/platformLock";
import { acquireTools } from "../tools/acquire";
import { Interrupted, interruptible } from "../tools/interrupt";
import { showProgress } from "../tools/progress";
import { type Figure, type FigureResult, measure } from "./figure";
import { calls } from "./figures/calls";
import { guard } from "./figures/guard";
import { memory } from "./figures/memory";
import { preview } from "./figures/preview";
import { rollback } from "./figures/rollback";
import { trigger } from "./figures/trigger";
import { update } from "./figures/update";
import { machineFacts } from "./machine";
import { renderFigure } from "./report";
import { World } from "./world";

const figures: readonly Figure[] = [preview, update, rollback, guard, trigger, memory, calls];

interface Options {
  readonly rounds: number;
  readonly json?: true;
}

/** `npm run bench`: measures on the local platform, each figure beside its baselines. */
async function main(): Promise<number> {
  const command = new Command("bench")
    .description("Measures the local stack, each figure beside its baselines in the same run.")
    .addArgument(
      new Argument("[figures...]", "which; all by default").choices(figures.map(({ name }) => name)),
    )
    .option<number>("--rounds <number>", "how often each contender runs", wholeNumber, 10)
    .option("--json", "print out/bench.json in place of the tables")
    .parse();
  const { rounds, json } = command.opts<Options>();
  const wanted = figures.filter(({ name }) => command.args.length === 0 || command.args.includes(name));

  const tools = await acquireTools();
  for (const { acquire } of wanted) await acquire?.();
  await withPlatformLock(() => bringUp(tools));
  process.env["KUBECONFIG"] = adminKubeconfig;
  const results = new Map<Figure, FigureResult>();
  const failures: string[] = [];
  /** After each round, so that a run which is broken off keeps those that it has. */
  const writeReport = (): string => {
    const facts = { machine: machineFacts(), rounds, figures: [...results.values()], failures };
    const report = `${JSON.stringify(facts, undefined, 2)}\n`;
    fs.writeFileSync(path.join(outDir, "bench.json"), report);
    return report;
  };
  await interruptible(async (signal) => {
    const world = await World.create(tools, signal);
    try {
      for (const figure of wanted) {
        await showProgress([
          {
            title: figure.title,
            run: (report) =>
              measure(figure, world, {
                rounds,
                report,
                onResult(result) {
                  results.set(figure, result);
                  writeReport();
                },
              }),
          },
        ]).catch((error: unknown) => {
          signal.throwIfAborted();
          failures.push(`${figure.name}: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
    } finally {
      await world.close();
    }
  });

  const report = writeReport();
  process.stdout.write(
    json === true ? report : [...results.values()].map((result) => `${renderFigure(result)}\n\n`).join(""),
  );
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("Expected a whole number from 1 on.");
  return value;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
  },
);
