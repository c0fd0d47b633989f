import type { RoutedTargetName } from "../../catalog";
import type { Evidence } from "../evidence";
import type { Change, Phase, SignOff } from "../freeze";
import type { Move } from "../move";
import type { SchemaSteps } from "../schemaStep";
import type { StagingEvidence } from "../staging";
import type { TokenTrust } from "../tokenTrust";
import type { Violation } from "../violation";

export type Owner = "terraform" | "pulumi";

/** Who owns the shared resources. */
export interface Ownership {
  /** From the last successful update; undefined before the first. */
  readonly applied: Owner | undefined;
  readonly wanted: Owner;
}

/** The feature freeze. */
export interface Freeze {
  readonly phase: Phase;
  /** From the last successful update; undefined before the first. */
  readonly applied: Phase | undefined;
  /** For the phase itself. */
  readonly signOffs: readonly SignOff[];
  readonly changes: ReadonlyMap<RoutedTargetName, readonly Change[]>;
}

/** What all rules are told. */
export interface Circumstances {
  /** Of all routed targets. */
  readonly moves: readonly Move[];
  readonly ownership: Ownership;
  readonly freeze: Freeze;
  /** Undefined where nothing must have been completed in staging first. */
  readonly staging: StagingEvidence | undefined;
  /** A target whose backends share no key, or whose keys can't be read here, is absent. */
  readonly tokens: ReadonlyMap<RoutedTargetName, TokenTrust>;
  /** Undefined where no step needs evidence. */
  readonly evidence: Evidence | undefined;
  readonly schemaSteps: SchemaSteps;
  readonly soakHours: number;
  readonly now: Date;
}

export type Refusal = Omit<Violation, "target" | "rule">;
/** Judges one target's move. */
export type Rule = (move: Move, circumstances: Circumstances) => Refusal[];
/** Judges what no single move shows. */
export type StackRule = (circumstances: Circumstances) => Refusal[];

export function isAdoption({ applied, wanted }: Ownership): boolean {
  return wanted === "pulumi" && applied !== "pulumi";
}
