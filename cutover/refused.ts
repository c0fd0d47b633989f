import type { Violation } from "../migration";
import { formatViolations } from "../migration";

/** It can't be done as things stand; nothing was changed. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** @throws Refused with what the rules say */
export function enforce(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw new Refused(`The rules refuse it; nothing was changed.\n${formatViolations(violations)}`);
}
