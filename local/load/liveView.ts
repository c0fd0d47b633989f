import Table from "cli-table3";
import { createLogUpdate } from "log-update";
import { createColors } from "picocolors";
import { PerSecond, sumOf } from "./perSecond";
import { BACKENDS } from "../../migration";
import { hasFailed } from "./shot";
import type { Shot } from "./shot";
import { failureText, StepProgress } from "./stepProgress";
import type { Output } from "../../terminal/output";
import { withoutBorders } from "../../terminal/tableStyle";
import { backendPaint } from "../../terminal/paint";
import { timelineText } from "./timeline";
import type { View } from "./view";

const paint = createColors(true);
const redrawMs = 200;
const maxTimeline = 60;
/** Answers reach the view some milliseconds after their second has ended. */
const settleMs = 100;
const numberWidth = 6;
const gapWidth = 2;

/** Redraws a table of who answers for each target, under the lines of the steps that are over. */
export class LiveView implements View {
  private readonly seconds = new PerSecond(maxTimeline + 2);
  private readonly failures = new Map<string, number>();
  private readonly screen: ReturnType<typeof createLogUpdate>;
  private readonly timer = setInterval(() => this.draw(), redrawMs).unref();
  private lastFailure: string | undefined;
  private current: StepProgress | undefined;

  constructor(
    private readonly output: Output,
    private readonly targets: readonly string[],
  ) {
    this.screen = createLogUpdate(output);
  }

  step(name: string): void {
    this.endStep();
    this.current = new StepProgress(name);
    this.draw();
  }

  note(text: string): void {
    const lines = text.trimEnd().split("\n");
    this.keep(lines.map((line) => paint.dim(`  ${line}`)).join("\n"));
  }

  shot(shot: Shot): void {
    this.seconds.add(shot);
    this.current?.add(shot);
    if (!hasFailed(shot)) return;
    this.failures.set(shot.target, (this.failures.get(shot.target) ?? 0) + 1);
    this.lastFailure = failureText(shot);
  }

  close(): void {
    clearInterval(this.timer);
    this.endStep();
    this.draw();
    this.screen.done();
  }

  private endStep(): void {
    if (this.current === undefined) return;
    const { name, seconds, counts, isFaultless } = this.current;
    const mark = isFaultless ? paint.green("✓") : paint.red("✗");
    this.current = undefined;
    this.keep(`${mark} ${name}  ${paint.dim(`${seconds.toFixed(1)} s, ${counts}`)}`);
  }

  /** Writes what shall stay above the table. */
  private keep(text: string): void {
    this.screen.clear();
    this.output.write(`${text}\n`);
    this.draw();
  }

  private draw(): void {
    const lines = this.current === undefined ? [] : [headline(this.current)];
    lines.push("", this.table());
    if (this.lastFailure !== undefined) {
      lines.push("", paint.red(`last failure: ${this.lastFailure}`.slice(0, this.columns)));
    }
    this.screen(lines.join("\n"));
  }

  private table(): string {
    const now = Math.floor((Date.now() - settleMs) / 1000);
    const nameWidth = Math.max(...this.targets.map((target) => target.length));
    const timelineWidth =
      this.columns - nameWidth - (BACKENDS.length + 1) * (gapWidth + numberWidth) - gapWidth;
    const length = Math.max(1, Math.min(maxTimeline, timelineWidth));
    const table = new Table({
      ...withoutBorders,
      colAligns: ["left", "right", "right", "right", "right", "left"],
      colWidths: [
        nameWidth,
        numberWidth,
        numberWidth,
        numberWidth,
        numberWidth,
        Math.max(length, "last 60 s".length),
      ],
      head: [
        paint.dim("per second"),
        ...BACKENDS.map((backend) => backendPaint[backend](backend)),
        paint.dim("failed"),
        paint.dim(`last ${length} s`),
      ],
    });
    for (const target of this.targets) {
      const seconds = this.seconds.before(now, length, target);
      const { answers } = sumOf(seconds.slice(-1));
      const failures = this.failures.get(target) ?? 0;
      table.push([
        target,
        ...BACKENDS.map((backend) => (answers[backend] === 0 ? paint.dim("·") : answers[backend])),
        failures === 0 ? paint.dim("0") : paint.red(failures),
        timelineText(seconds),
      ]);
    }
    return table.toString();
  }

  private get columns(): number {
    return this.output.columns ?? 80;
  }
}

function headline({ name, seconds, counts, isFaultless }: StepProgress): string {
  const told = (isFaultless ? paint.dim : paint.red)(counts);
  return `${paint.cyan("▸")} ${paint.bold(name)}  ${seconds.toFixed(0)} s, ${told}`;
}
