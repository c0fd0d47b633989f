import type { Violation } from "../migration";
import { formatViolations } from "../migration";

/** It can't be done as things stand; nothing was changed. */
export class Refused extends Error {
  override readonly name: string = "Refused";
}

/** It can't be said yet whether it may be done; nothing was changed. */
export class Held extends Refused {
  override readonly name = "Held";
}

/** @throws Refused with what the rules say; Held if all of it is that too little is measured yet */
export function enforce(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const isHeld = violations.every(({ held }) => held === true);
  throw new (isHeld ? Held : Refused)(
    `The rules refuse it; nothing was changed.\n${formatViolations(violations)}`,
  );
}
