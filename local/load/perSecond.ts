import { hasFailed, receivedAt } from "./shot";
import type { Backend } from "../../migration";
import type { PerBackend, Shot } from "./shot";

/** What one target answered within one second. */
export interface Second {
  readonly answers: PerBackend;
  readonly failed: number;
}

const nothing: Second = { answers: { legacy: 0, blue: 0, green: 0 }, failed: 0 };

/** Counts shots per target and second of arrival; keeps the last `keep` seconds. */
export class PerSecond {
  private readonly seconds = new Map<number, Map<string, Second>>();

  constructor(private readonly keep: number) {}

  add(shot: Shot): void {
    const epochSecond = Math.floor(receivedAt(shot) / 1000);
    const targets = this.seconds.get(epochSecond) ?? this.begin(epochSecond);
    targets.set(
      shot.target,
      plus(targets.get(shot.target) ?? nothing, hasFailed(shot) ? "failed" : shot.backend),
    );
  }

  /** What a target answered in each of the `count` seconds before `endSecond` (epoch seconds), oldest first. */
  before(endSecond: number, count: number, target: string): Second[] {
    return Array.from(
      { length: count },
      (_, index) => this.seconds.get(endSecond - count + index)?.get(target) ?? nothing,
    );
  }

  private begin(epochSecond: number): Map<string, Second> {
    for (const second of this.seconds.keys()) {
      if (second <= epochSecond - this.keep) this.seconds.delete(second);
    }
    const targets = new Map<string, Second>();
    this.seconds.set(epochSecond, targets);
    return targets;
  }
}

/** Two seconds' figures as one. */
export function sumOf(seconds: readonly Second[]): Second {
  return seconds.reduce(
    (sum, { answers, failed }) => ({
      answers: {
        legacy: sum.answers.legacy + answers.legacy,
        blue: sum.answers.blue + answers.blue,
        green: sum.answers.green + answers.green,
      },
      failed: sum.failed + failed,
    }),
    nothing,
  );
}

function plus(second: Second, outcome: Backend | "failed" | undefined): Second {
  if (outcome === undefined || outcome === "failed") return { ...second, failed: second.failed + 1 };
  return { ...second, answers: { ...second.answers, [outcome]: second.answers[outcome] + 1 } };
}
