import type { RoutedTargetName } from "../catalog";
import { formatSplit } from "../migration";
import { type Alert, alertText } from "./alert";
import type { Shout } from "./decide";
import type { Protection } from "./executor";
import type { Intent } from "./intents";

/** The plan's issue escalation: what it is, who answers, and within which time. */
const escalation = {
  1: "LEVEL 1, technical issue (answer within 30 min): Team Lead -> Senior Developer",
  2: "LEVEL 2, business impact (answer within 15 min): Product Manager -> Technical Lead -> CTO",
  3: "LEVEL 3, project risk (answer at once): All Hands -> Emergency Meeting",
} as const;

function lines(...each: readonly (string | undefined)[]): string {
  return each.filter((line) => line !== undefined).join("\n");
}

function foundLine({ found }: Alert): string | undefined {
  return found === undefined ? undefined : `Found: ${found}`;
}

export interface MovedBack {
  readonly intent: Intent;
  readonly alert: Alert | undefined;
  readonly level: 1 | 2;
  readonly together: readonly RoutedTargetName[];
  /** From the alert's arrival. */
  readonly seconds: number;
  /** Why it isn't sure that the data plane serves it; undefined when it is. */
  readonly unproven: string | undefined;
}

/** The traffic is back. */
export function movedText({ intent, alert, level, together, seconds, unproven }: MovedBack): string {
  const { target, split, from, because } = intent;
  const others = together.filter((each) => each !== target);
  return lines(
    escalation[level],
    `${target}: rolled back because of ${because}`,
    alert && foundLine(alert),
    others.length > 0 ? `Together with: ${others.join(", ")}` : undefined,
    unproven === undefined
      ? `Done: ${from} -> ${formatSplit(split)}; all traffic is there, ${seconds.toFixed(2)} s after the alert arrived.`
      : `The route says ${formatSplit(split)} instead of ${from}, but it is not proven that the gateway serves it: ${unproven}`,
    "Git and state follow by themselves; a message says when.",
    unproven === undefined ? "Next, to see it: cutover status" : `Next: cutover rollback ${target}`,
  );
}

/** The traffic should be back, and isn't. */
export function notMovedText(target: RoutedTargetName, alert: Alert | undefined, why: string): string {
  return lines(
    escalation[2],
    `${target} is NOT rolled back, and its trigger is true${alert ? `: ${alertText(alert)}` : ""}`,
    alert && foundLine(alert),
    `Why: ${why}`,
    "It is tried again for as long as the alert fires.",
    `Next: cutover rollback ${target}`,
  );
}

/** There is nothing that the guard may do. */
export function shoutText({ target, alert, why }: Shout): string {
  return lines(
    escalation[2],
    `${target} is NOT rolled back and was NOT touched: ${why}`,
    `Trigger: ${alertText(alert)}`,
    foundLine(alert),
    `Next: cutover status, then mend the service, or give ${target} a release that works: cutover advance ${target}`,
  );
}

export function recordedText(
  intents: readonly Intent[],
  level: 1 | 2,
  seconds: number,
  problems: readonly string[],
): string {
  const [first] = intents;
  const targets = intents.map(({ target }) => target).join(", ");
  return lines(
    `${targets}: route, git and state agree again, ${seconds.toFixed(1)} s after the traffic was moved${level === 2 ? " (level 2: files, workflows and pins went back together)" : ""}.`,
    ...problems.map((problem) => `But: ${problem}`),
    problems.length > 0 ? "Next: cutover status" : undefined,
    problems.length === 0 && first !== undefined
      ? `Next: find out why, mend it, then: cutover advance ${first.target}`
      : undefined,
  );
}

export function notRecordedText({ target, split }: Intent, why: string): string {
  return lines(
    `${target}'s traffic is back at ${formatSplit(split)} and is held there, but git and state don't say so yet.`,
    `Why: ${why}`,
    "It is tried again by itself.",
    `Next, if that doesn't mend it: cutover rollback ${target}`,
  );
}

export function protectedText(
  { target, because }: Protection,
  seconds: number,
  problems: readonly string[],
): string {
  return lines(
    escalation[2],
    `${target} is READ-ONLY because of ${because}, ${seconds.toFixed(1)} s after the alert arrived: none of its backends writes to the database.`,
    ...problems.map((problem) => `But: ${problem}`),
    "No traffic was moved. It stays so until somebody lets it write again.",
    `Next: find out what is damaged (docs/alert-database.md), then: cutover read-only ${target} --off`,
  );
}

export function notProtectedText({ target, because }: Protection, why: string): string {
  return lines(
    escalation[2],
    `${target} is NOT read-only yet, and its data is in danger: ${because}`,
    `Why: ${why}`,
    "It is tried again for as long as the alert fires.",
    `Next, if that doesn't mend it: cutover read-only ${target}`,
  );
}

export function level3Text(together: readonly RoutedTargetName[], stack: string): string {
  return lines(
    escalation[3],
    `${together.length} targets fail together: ${together.join(", ")}. Each that has a standby is back on it.`,
    "All traffic to the monorepo (level 3) is a human's decision; nothing of it was begun.",
    `Next, if the migration itself has failed: cutover rollback --level 3 --confirm ${stack}`,
  );
}

export function supersededText({ target, split, because, since }: Intent): string {
  return lines(
    `${target}: a rollback to ${formatSplit(split)} (${because}) was cut short at ${since.toISOString()}, and somebody has moved the traffic since.`,
    "It is not taken up again.",
    "Next: cutover status",
  );
}
