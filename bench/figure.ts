import { type Readiness, readyToMeasure } from "./machine";
import type { World } from "./world";

export type Unit = "s" | "ms" | "MB" | "calls" | "requests" | "%";

/** Values by the names of what was measured. */
export type Sample = Readonly<Record<string, number>>;

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  /** Measures once. */
  readonly run: () => Promise<Sample>;
}

/** Takes what is to be undone when the figure has been measured, or failed. */
export type OnEnd = (undo: () => Promise<void>) => void;

/** Something that is measured of several contenders. */
export interface Figure {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What the table shows of the samples, with its unit; samples may hold more. */
  readonly measures: Readonly<Record<string, Unit>>;
  /** The contender that the others are compared with. */
  readonly baseline: string;
  /** What else runs on the machine shows in it. */
  readonly isTimed: boolean;
  /** Obtains what only this figure needs, with progress of its own. */
  readonly acquire?: () => Promise<unknown>;
  readonly prepare: (world: World, onEnd: OnEnd) => Promise<readonly Contender[]>;
}

/** What a figure came to. */
export interface FigureResult extends Readiness {
  readonly name: string;
  readonly title: string;
  readonly measures: Readonly<Record<string, Unit>>;
  readonly baseline: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly contenders: readonly { readonly name: string; readonly samples: readonly Sample[] }[];
}

export interface InterleaveOptions {
  readonly signal: AbortSignal;
  readonly onRun: (text: string) => void;
  /** Told after each run of all samples so far: a run that is broken off keeps them. */
  readonly onSample: (contenders: FigureResult["contenders"]) => void;
}

/** Runs the contenders in turn, A B C A B C, so that a busy minute hits them all. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  { signal, onRun, onSample }: InterleaveOptions,
): Promise<void> {
  const results = contenders.map(({ name, run }) => ({ name, run, samples: new Array<Sample>() }));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run, samples } of results) {
      signal.throwIfAborted();
      onRun(`round ${round} of ${rounds}: ${name}`);
      samples.push(await run());
      onSample(results.map((each) => ({ name: each.name, samples: each.samples })));
    }
  }
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly report: (text: string) => void;
  /** Told after each run of what the figure has come to so far. */
  readonly onResult: (result: FigureResult) => void;
}

/** Prepares, measures and undoes a figure. */
export async function measure(
  figure: Figure,
  world: World,
  { rounds, report, onResult }: MeasureOptions,
): Promise<void> {
  const undos: (() => Promise<void>)[] = [];
  try {
    report("preparing");
    const contenders = await figure.prepare(world, (undo) => undos.unshift(undo));
    report("waiting for a quiet machine");
    const readiness = await readyToMeasure(figure.isTimed, world.signal);
    const { name, title, measures, baseline } = figure;
    const about = { name, title, measures, baseline, startedAt: new Date().toISOString(), ...readiness };
    await interleave(contenders, rounds, {
      signal: world.signal,
      onRun: report,
      onSample: (samples) => onResult({ ...about, contenders: samples }),
    });
  } finally {
    report("cleaning up");
    await undoAll(undos);
  }
}

/** Undoes everything, even when some of it fails. @throws AggregateError */
export async function undoAll(undos: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const undo of undos) {
    try {
      await undo();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0)
    throw new AggregateError(errors, `cleaning up failed: ${errors.map(String).join("; ")}`);
}
