import { routedTargets } from "../catalog";
import type { JudgeInput, Override, Subject } from "../migration";
import type { Applied } from "../stack/outputs";
import type { StackConfig } from "./parse";
import { tokenTrust } from "./tokenTrust";

/** What the rules are told of a stack: what its config asks for, and what is known of it. */
export function judged(
  config: JudgedConfig,
  applied: Applied,
  facts: Pick<JudgeInput, "live" | "staging" | "evidence" | "now">,
): JudgeInput {
  const { migration, infrastructure, targets } = config;
  const trust = tokenTrust(targets["auth-service"]);
  return {
    ...facts,
    applied: applied.splits,
    wanted: new Map(routedTargets.map((target) => [target, targets[target]])),
    ownership: { applied: applied.owner, wanted: infrastructure.owner },
    freeze: {
      phase: migration.phase,
      applied: applied.phase,
      signOffs: migration.signOffs,
      changes: new Map(routedTargets.map((target) => [target, targets[target].changes])),
    },
    overrides: overridesIn(config),
    tokens: new Map(trust && [["auth-service", trust]]),
    soakHours: migration.soakHours,
  };
}

export type JudgedConfig = Pick<StackConfig, "migration" | "infrastructure" | "targets">;

/** All that stand in the file, in force or not. */
export function overridesIn({ migration, infrastructure, targets }: JudgedConfig): readonly Override[] {
  const of = (target: Subject, overrides: StackConfig["migration"]["overrides"]): Override[] =>
    overrides.map((override) => ({ target, ...override }));
  return [
    ...of("migration", migration.overrides),
    ...routedTargets.flatMap((target) => of(target, targets[target].overrides)),
    ...of("infrastructure", infrastructure.overrides),
  ];
}
