import type { TargetName } from "../catalog";
import { formatTime } from "./time";

/** What a rule judges: a target, or the migration as a whole. */
export type Subject = TargetName | "migration";

/** A rule that refuses what is wanted, in terms of the stack's file. */
export interface Violation {
  readonly target: Subject;
  /** As it stands in the file: `pyairtable:frontend.traffic`. */
  readonly key: string;
  /** The rule's id, in kebab case. */
  readonly rule: string;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
  /** From this moment on the rule would allow it, if nothing else changes. */
  readonly notBefore?: Date;
  /** Too little is known yet to say more; otherwise something is known to be wrong. */
  readonly held?: true;
}

/** One message for people, grouped by target. */
export function formatViolations(violations: readonly Violation[]): string {
  return [...new Set(violations.map(({ target }) => target))]
    .flatMap((target) => [
      target,
      ...violations.filter((violation) => violation.target === target).map(formatViolation),
    ])
    .join("\n");
}

function formatViolation({ key, rule, found, expected, fix, notBefore }: Violation): string {
  const lines = [
    `  ${key} (${rule})`,
    `    found:    ${found}`,
    `    expected: ${expected}`,
    `    fix:      ${fix}`,
  ];
  if (notBefore !== undefined) lines.push(`    not before ${formatTime(notBefore)}`);
  return lines.join("\n");
}

/** As it stands in the stack's file. */
export function keyOf(subject: Subject): string {
  return `pyairtable:${subject}`;
}
