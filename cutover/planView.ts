import { createColors } from "picocolors";
import { targetNames } from "../catalog";
import type { TargetName } from "../catalog";
import { isInteractive } from "../terminal/output";
import type { Output } from "../terminal/output";
import { formatSplit } from "../migration";
import type { Violation } from "../migration";
import { applyStep, formatStep } from "../migration";
import type { PlannedStep } from "../migration";
import { code } from "./markdown";
import { configChanges, formatMinute, standingOf } from "./situation";
import type { Drift, InfrastructureSituation, Situation, TargetSituation } from "./situation";

/** Every step from here to all extracted, for people: the next of each target marked and told in full. */
export function renderPlan(situation: Situation, output: Output): string {
  const interactive = isInteractive(output);
  const paint = createColors(interactive);
  const mark = interactive ? "▸" : ">";
  const lines = tiersOf(situation).flatMap(({ tier, entries }) => [
    paint.bold(`Tier ${tier}`),
    ...entries.flatMap(({ name, where, alerts, steps }) => [
      `  ${paint.bold(name)}  ${paint.dim(where)}`,
      ...alerts.map((alert) => `    ${paint.red(alert)}`),
      ...steps.flatMap(({ text, details }) =>
        details === undefined
          ? [`      ${paint.dim(text)}`]
          : [`    ${paint.cyan(mark)} ${text}`, ...details.map((detail) => `        ${detail}`)],
      ),
    ]),
    "",
  ]);
  return [...lines, summary(situation)].join("\n");
}

/** The same as Markdown for a pull request or a wiki: a heading per tier, a checkbox per target and step. */
export function renderPlanMarkdown(situation: Situation): string {
  const lines = tiersOf(situation).flatMap(({ tier, entries }) => [
    `## Tier ${tier}`,
    "",
    ...entries.flatMap(({ name, where, alerts, steps }) => [
      `- [${steps.length + alerts.length === 0 ? "x" : " "}] **${name}**: ${where}`,
      ...alerts.map((alert) => `  - ${code(alert)}`),
      ...steps.flatMap(({ text, details }) =>
        details === undefined
          ? [`  - [ ] ${text}`]
          : [`  - [ ] **next: ${text}**`, ...details.map((detail) => `    - ${code(detail)}`)],
      ),
    ]),
    "",
  ]);
  return ["# Plan", "", ...lines, summary(situation), ""].join("\n");
}

interface Entry {
  readonly name: TargetName;
  /** Where it stands. */
  readonly where: string;
  /** What comes before any step. */
  readonly alerts: readonly string[];
  readonly steps: readonly {
    readonly text: string;
    /** Of the next step: the change of config, and what the rules say. */
    readonly details?: readonly string[];
  }[];
}

function tiersOf(situation: Situation): { readonly tier: number; readonly entries: readonly Entry[] }[] {
  const all = targetNames.flatMap((name): { tier: number; entry: Entry }[] => {
    if (name === "infrastructure") {
      const { tier } = situation.infrastructure;
      return [{ tier, entry: infrastructureEntry(situation.infrastructure) }];
    }
    return situation.targets
      .filter(({ target }) => target === name)
      .map((one) => ({ tier: one.tier, entry: entryOf(one, situation) }));
  });
  return [...new Set(all.map(({ tier }) => tier))].map((tier) => ({
    tier,
    entries: all.filter((each) => each.tier === tier).map(({ entry }) => entry),
  }));
}

function infrastructureEntry({ priority, owner, heldBack }: InfrastructureSituation): Entry {
  return {
    name: "infrastructure",
    where: `${priority}, owned by ${owner}`,
    alerts: [],
    steps:
      owner === "pulumi"
        ? []
        : [
            {
              text: "owner: pulumi",
              details: [`pyairtable:infrastructure.owner: ${owner} -> pulumi`, ...heldBack.map(refusal)],
            },
          ],
  };
}

function entryOf(situation: TargetSituation, { soakHours }: Situation): Entry {
  const { target, priority, stage, split, steps, next, drift } = situation;
  const place = stage && split ? `${stage}, ${formatSplit(split)}` : "no route";
  return {
    name: target,
    where: `${priority}, ${place}`,
    alerts: drift === undefined ? [] : alertsOf(situation, drift),
    steps: steps.map((step) => ({
      text: stepText(step, soakHours),
      ...(step === next && { details: detailsOf(situation, step) }),
    })),
  };
}

function alertsOf(situation: TargetSituation, { kind, text }: Drift): string[] {
  const { command } = situation;
  return command === undefined
    ? [`${kind}: ${text}`, ...refusals(situation)]
    : [`${kind}: ${text}; ${command}`];
}

function stepText(step: PlannedStep, soakHours: number): string {
  if (step.kind !== "soak") return formatStep(step);
  return step.until === undefined ? `soak for ${soakHours} h` : `soak until ${formatMinute(step.until)}`;
}

function detailsOf(situation: TargetSituation, step: PlannedStep): readonly string[] {
  const { target, wanted, heldBack, heldBackBy, command } = situation;
  if (step.kind === "stage") return [`pyairtable:${target}.${step.color}: none -> its image`];
  const config = applyStep(step, wanted);
  const changes = config === undefined ? [] : configChanges(target, wanted, config);
  if (step.kind === "soak") return changes;
  if (heldBack.length > 0) return [...changes, ...refusals(situation)];
  return [...changes, command === undefined ? heldBackBy : `the rules allow it: ${command}`];
}

/** Its own; those of others only where they alone stand in its way. */
function refusals({ target, heldBack }: TargetSituation): string[] {
  const own = heldBack.filter((violation) => violation.target === target);
  return (own.length > 0 ? own : heldBack).map(refusal);
}

function refusal({ key, rule, found, expected, notBefore }: Violation): string {
  const end = notBefore ? `; not before ${formatMinute(notBefore)}` : "";
  return `refused by ${rule}: ${key}: found ${found}, expected ${expected}${end}`;
}

function summary(situation: Situation): string {
  const { targets, infrastructure, stateRead } = situation;
  const left =
    targets.reduce((sum, { steps }) => sum + steps.length, 0) + (infrastructure.owner === "pulumi" ? 0 : 1);
  const done =
    targets.filter(({ steps, drift }) => steps.length === 0 && drift === undefined).length +
    (infrastructure.owner === "pulumi" ? 1 : 0);
  const unread = stateRead ? "" : "; the state couldn't be read, so that some drift can't be seen";
  const reached = `${done} of ${targets.length + 1} targets have nothing left to do; ${left} steps in all${unread}`;
  return [reached, ...standingOf(situation)].join("\n");
}
