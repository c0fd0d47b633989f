import { PerSecond, sumOf } from "./perSecond";
import type { Second } from "./perSecond";
import { BACKENDS } from "../../migration";
import { hasFailed } from "./shot";
import type { Shot } from "./shot";
import { failureText, StepProgress } from "./stepProgress";
import type { Output } from "../../terminal/output";
import type { View } from "./view";

const everySeconds = 5;

/** Lines for a log: changes of step, notes, a state every 5 s, and failures at most once a second. */
export class PlainView implements View {
  private readonly seconds = new PerSecond(everySeconds + 2);
  private readonly began = performance.now();
  private readonly timer = setInterval(() => this.state(), everySeconds * 1000).unref();
  private current: StepProgress | undefined;
  private failureToldAt = -Infinity;

  constructor(
    private readonly output: Output,
    private readonly targets: readonly string[],
  ) {}

  step(name: string): void {
    this.endStep();
    this.current = new StepProgress(name);
    this.line(`step: ${name}`);
    this.timer.refresh();
  }

  note(text: string): void {
    for (const line of text.trimEnd().split("\n")) this.line(`  ${line}`);
  }

  shot(shot: Shot): void {
    this.seconds.add(shot);
    this.current?.add(shot);
    if (hasFailed(shot)) this.failure(shot);
  }

  close(): void {
    clearInterval(this.timer);
    this.endStep();
  }

  private endStep(): void {
    if (this.current === undefined) return;
    this.line(`done: ${this.current.name}, ${this.current.seconds.toFixed(1)} s, ${this.current.counts}`);
    this.current = undefined;
  }

  private state(): void {
    const now = Math.floor(Date.now() / 1000);
    const recent = this.targets.map((target) => ({
      target,
      ...sumOf(this.seconds.before(now, everySeconds, target)),
    }));
    const failed = recent.reduce((sum, one) => sum + one.failed, 0);
    this.line(`last ${everySeconds} s: ${failed} failed; ${whoAnswers(recent)}`);
  }

  private failure(shot: Shot): void {
    const now = performance.now();
    if (now - this.failureToldAt < 1000) return;
    this.failureToldAt = now;
    this.line(`FAILED: ${failureText(shot)}`);
  }

  private line(text: string): void {
    const seconds = Math.floor((performance.now() - this.began) / 1000);
    const clock = [Math.floor(seconds / 60), seconds % 60]
      .map((part) => String(part).padStart(2, "0"))
      .join(":");
    this.output.write(`[${clock}] ${text}\n`);
  }
}

/** `frontend: 90 % legacy, 10 % blue; 7 targets: 100 % legacy`. Targets that are alike are told once. */
function whoAnswers(recent: readonly (Second & { target: string })[]): string {
  const alike = new Map<string, string[]>();
  for (const { target, answers } of recent) {
    const all = answers.legacy + answers.blue + answers.green;
    const shares = BACKENDS.filter((backend) => answers[backend] > 0)
      .map((backend) => `${((100 * answers[backend]) / all).toFixed(0)} % ${backend}`)
      .join(", ");
    const text = shares === "" ? "no answer" : shares;
    alike.set(text, [...(alike.get(text) ?? []), target]);
  }
  return [...alike]
    .sort(([, a], [, b]) => a.length - b.length)
    .map(
      ([text, targets]) =>
        `${targets.length > 2 ? `${targets.length} targets` : targets.join(", ")}: ${text}`,
    )
    .join("; ");
}
