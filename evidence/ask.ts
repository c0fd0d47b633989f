import type { RoutedTargetName } from "../catalog";
import type { StackConfig } from "../config/parse";
import {
  type Evidence,
  type EvidenceSubject,
  type LiveRoute,
  type Verdict,
  evidenceSubjects,
} from "../migration";
import { lastingOf } from "../monitoring/table";
import { type Timing, timingOf } from "../monitoring/timing";
import { judgeEvidence } from "./judge";
import { type Measured, measure } from "./measure";
import { NoAnswer, Prometheus } from "./prometheus";

/** What the judgement of a subject stands on. */
export interface Finding {
  readonly subject: EvidenceSubject;
  /** Absent: Prometheus had no answer. */
  readonly measured?: Measured;
  readonly verdict: Verdict;
}

/**
 * Asks Prometheus about every colour that is on its way, all at once. Undefined where the stack wants no evidence.
 * That nothing can be learnt is a finding, never an error.
 */
export async function gatherEvidence(
  config: StackConfig,
  live: ReadonlyMap<RoutedTargetName, LiveRoute>,
  now: Date,
): Promise<readonly Finding[] | undefined> {
  const { monitoring, migration, targets } = config;
  if (monitoring?.evidence !== "required") return undefined;
  const prometheus = new Prometheus(monitoring.prometheus);
  const timing = timingOf(monitoring.timeScale);
  return Promise.all(
    evidenceSubjects(live, migration.soakHours, now).map(async (subject): Promise<Finding> => {
      const { target, color, since } = subject;
      const database = targets[target].database !== undefined;
      const overMs = stretch(now.getTime() - since.getTime(), migration.soakHours, timing);
      try {
        // As long as the plan's warnings last.
        const meanOverMs = lastingOf("ErrorRateHigh") * timing.scale;
        const asked = { target, backend: color, overMs, meanOverMs, now, timing, database };
        const measured = await measure(prometheus, asked);
        const verdict = judgeEvidence(measured, targets[target].baseline, timing);
        return { subject, measured, verdict };
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        const doubt = { found: `Prometheus ${error.message}`, expected: "measurements" };
        return { subject, verdict: { kind: "hold", doubts: [doubt] } };
      }
    }),
  );
}

/** Since the split, but not longer than a soak: what a target did weeks ago says nothing of today. */
function stretch(sinceMs: number, soakHours: number, { windowMs }: Timing): number {
  const longest = Math.max(soakHours * millisecondsPerHour, windowMs);
  return Math.min(Math.max(sinceMs, 1_000), longest);
}

const millisecondsPerHour = 3_600_000;

/** The findings as the rules take them. */
export function evidenceOf(findings: readonly Finding[] | undefined): Evidence | undefined {
  return findings && new Map(findings.map(({ subject, verdict }) => [subject.target, verdict]));
}
