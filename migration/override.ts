import { formatTime } from "./time";
import type { Subject } from "./violation";

/** The rules that an override can set aside. What the others refuse has a remedy of its own, named in the refusal. */
export const OVERRIDABLE_RULES = [
  "one-in-flight",
  "order",
  "standby-while-soaking",
  "retired-only-when-soaked",
  "retired-after-callers",
  "staging-first",
  "freeze",
  "evidence",
  "shared-signing-key",
  "resumption-after-tier-1",
] as const;
export type OverridableRule = (typeof OVERRIDABLE_RULES)[number];

/** A rule set aside, as data in the stack's file. */
export interface Override {
  /** Whose refusals by the rule don't count. */
  readonly target: Subject;
  readonly rule: OverridableRule;
  readonly reason: string;
  readonly approver: string;
  /** From this moment on it has no effect. */
  readonly expires: Date;
}

export function isInForce({ expires }: Override, now: Date): boolean {
  return now < expires;
}

/** For people: `frontend: order is set aside until …`. */
export function formatOverride(override: Override, now: Date): string {
  const { target, rule, reason, approver, expires } = override;
  const state = isInForce(override, now)
    ? `is set aside until ${formatTime(expires)}`
    : `was set aside until ${formatTime(expires)}, and is in force again: the override can go`;
  return `${target}: rule ${rule} ${state} (${reason}; approved by ${approver})`;
}
