import type { RoutedTargetName } from "../catalog";
import type { SignOff } from "./freeze";

/** Contract: some statement of it isn't one that old and new releases can both live with. */
export type StepKind = "expand" | "contract";

/** A step that was tried on a shadow. */
export interface PreparedStep {
  readonly image: string;
  readonly kind: StepKind;
}

/** What the rules are told of a target's schema. */
export interface SchemaStep {
  /** The image of the step that the releases need; undefined if they need none. */
  readonly wanted: string | undefined;
  /** Of the last successful update; undefined before the first that had one. */
  readonly applied: string | undefined;
  /** Newest first. */
  readonly prepared: readonly PreparedStep[];
  /** Who wants a step that old releases can't live with. */
  readonly contract: { readonly ticket: string; readonly signOffs: readonly SignOff[] } | undefined;
  /** Undefined if there is no Job of a contract step. */
  readonly contraction?: Contraction;
}

/**
 * A contract step whose Job is there. `failed`: each attempt has; what it has left isn't known here. `begun`: it runs, or
 * has done its work, whatever became of the update.
 */
export type Contraction = "begun" | "failed";

/** A target whose releases need no step, and have begun no contract step either, is absent. */
export type SchemaSteps = ReadonlyMap<RoutedTargetName, SchemaStep>;
