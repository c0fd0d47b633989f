import { type RoutedTargetName, routedTargets } from "../catalog";
import {
  type Contraction,
  type JudgeInput,
  type Override,
  type PreparedStep,
  type SchemaSteps,
  type Subject,
  isTampered,
} from "../migration";
import type { Applied } from "../stack/outputs";
import type { StackConfig } from "./parse";
import { tokenTrust } from "./tokenTrust";

/** What the rules are told of a stack: what its config asks for, and what is known of it. */
export function judged(
  config: JudgedConfig,
  applied: Applied,
  { prepared = new Map(), contractions = new Map(), ...facts }: JudgedFacts,
): JudgeInput {
  const { migration, infrastructure, targets } = config;
  const trust = tokenTrust(targets["auth-service"]);
  return {
    ...facts,
    live: withContractions(config, facts.live, contractions),
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
    schemaSteps: schemaStepsOf(config, applied, { prepared, contractions }),
    soakHours: migration.soakHours,
  };
}

export interface JudgedFacts extends Pick<JudgeInput, "live" | "staging" | "evidence" | "now"> {
  /** The steps that were tried on a shadow, newest first. @default none */
  readonly prepared?: ReadonlyMap<RoutedTargetName, readonly PreparedStep[]>;
  /** What has become of the contract steps whose Jobs are there. @default there is none */
  readonly contractions?: ReadonlyMap<RoutedTargetName, Contraction>;
}

/** A route says that a contract step is done, once it is; one that was begun counts from that moment on. */
function withContractions(
  { targets }: JudgedConfig,
  live: JudgedFacts["live"],
  contractions: ReadonlyMap<RoutedTargetName, Contraction>,
): JudgedFacts["live"] {
  return new Map(
    [...live].map(([target, route]) => {
      const { database } = targets[target];
      const isBegun = contractions.has(target) && database !== undefined && !isTampered(route);
      return [target, isBegun ? { ...route, contracted: database.instance } : route];
    }),
  );
}

function schemaStepsOf(
  { targets }: JudgedConfig,
  { steps }: Applied,
  { prepared, contractions }: Required<Pick<JudgedFacts, "prepared" | "contractions">>,
): SchemaSteps {
  return new Map(
    routedTargets.flatMap((target) => {
      const { migration: wanted, contract } = targets[target].database ?? {};
      const contraction = contractions.get(target);
      if (wanted === undefined && contraction === undefined) return [];
      const step = {
        wanted,
        applied: steps.get(target)?.image,
        prepared: prepared.get(target) ?? [],
        contract,
        ...(contraction && { contraction }),
      };
      return [[target, step] as const];
    }),
  );
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
