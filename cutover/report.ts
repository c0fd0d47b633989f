import { createColors } from "picocolors";
import { isInteractive } from "../terminal/output";

/** Where a command's words go, and how. */
export interface ReportOptions {
  /** One JSON object on stdout at the end, instead of words. */
  readonly json: boolean;
  /** What the command may take: each step is told against it. @default none */
  readonly budgetMinutes?: number;
}

/** One step of a command, for `--json`. */
export interface DoneStep {
  readonly step: string;
  /** From the command's start, in milliseconds. */
  readonly atMs: number;
}

/**
 * What a command says while it works: each step with the time since the command was started. Results go to stdout,
 * steps and problems to stderr.
 */
export class Report {
  readonly steps: DoneStep[] = [];
  readonly problems: string[] = [];
  /** A line of progress stands there, to be written over. */
  private isMidLine = false;
  private toldAt = 0;
  private readonly paint = createColors(isInteractive(process.stderr));

  constructor(private readonly options: ReportOptions) {}

  /** Something is done. */
  step(text: string): void {
    // The clock starts with the process, not with this program's first line.
    const atMs = performance.now();
    this.steps.push({ step: text, atMs: Math.round(atMs) });
    this.say(`${this.paint.dim(this.timeText(atMs))}  ${text}`);
  }

  /** How far the step that goes on is: in place on a terminal, elsewhere now and then. */
  progress(text: string): void {
    if (this.options.json) return;
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K${indented(text)}`);
      this.isMidLine = true;
    } else if (performance.now() - this.toldAt > plainInterval) {
      this.say(indented(text));
    }
  }

  /** Something that is worth knowing, and needs nothing to be done. */
  note(text: string): void {
    this.say(indented(text));
  }

  /** Something that the user must see and mend. */
  problem(text: string): void {
    this.problems.push(text);
    this.say(this.paint.red(indented(text)));
  }

  /** The command's own result, in words or as JSON. */
  result(words: string, json: object): void {
    const text = this.options.json ? JSON.stringify(json, undefined, 2) : words;
    if (text !== "") process.stdout.write(`${text}\n`);
  }

  private timeText(ms: number): string {
    const { budgetMinutes } = this.options;
    return `${timeText(ms)}${budgetMinutes === undefined ? "" : ` of ${budgetMinutes} min`}`;
  }

  private say(text: string): void {
    if (this.options.json) return;
    process.stderr.write(`${this.isMidLine ? "\r\x1b[K" : ""}${text}\n`);
    this.isMidLine = false;
    this.toldAt = performance.now();
  }
}

const timeWidth = 8;
/** How often progress is told where lines pile up, in milliseconds. */
const plainInterval = 15_000;

function timeText(ms: number): string {
  return (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`).padStart(timeWidth);
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `${" ".repeat(timeWidth)}  ${line}`)
    .join("\n");
}
