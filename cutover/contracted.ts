import type { RoutedTargetName } from "../catalog";
import type { StepEvidence } from "../database/evidence";
import { fingerprintOf } from "../database/fingerprint";
import type { SqlSession } from "../database/session";
import { recordedSteps } from "../database/stepRecord";
import { formatTime } from "../migration";
import { stepId } from "../stack/schemaSteps";

/** A contract step that a database has gone through, or is half-way in. */
export interface Contracted {
  readonly image: string;
  /** Until then it had changed nothing. */
  readonly begunAt: Date;
  readonly isFinished: boolean;
  /** No other step came after it: the schema is as it has left it. */
  readonly isLast: boolean;
}

export interface ContractedOptions {
  /** All that was prepared for the target. */
  readonly steps: readonly StepEvidence[];
  /** Those that the database is, or was restored from: a step is noted under the one that it ran on. */
  readonly instances: readonly string[];
}

/** The last one, as the database itself says; undefined if it is past none. */
export async function contractedBy(
  session: SqlSession,
  { steps, instances }: ContractedOptions,
): Promise<Contracted | undefined> {
  const contracts = steps.filter(({ kind }) => kind === "contract");
  if (contracts.length === 0) return undefined;
  const recorded = await recordedSteps(session);
  const live = await fingerprintOf(session);
  const found = contracts.flatMap((step) => {
    const [first] = instances
      // After a restore it was only looked for, as one that leads from its end to its end.
      .flatMap((instance) => [step, { ...step, before: step.after }].map((each) => stepId(instance, each)))
      .flatMap((id) => recorded.get(id) ?? [])
      .toSorted((a, b) => a.begunAt.getTime() - b.begunAt.getTime());
    if (first === undefined || (!first.isFinished && live === step.before)) return [];
    return [{ image: step.image, ...first, isLast: !first.isFinished || live === step.after }];
  });
  return found.toSorted((a, b) => b.begunAt.getTime() - a.begunAt.getTime())[0];
}

/** What to type. */
export function restoreToBefore(target: RoutedTargetName, { begunAt }: Contracted): string {
  return `cutover restore ${target} --to ${formatTime(begunAt)}`;
}
