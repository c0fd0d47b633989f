import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { DATABASE_MODES, type DatabaseMode } from "../database/access";
import { firstInstance } from "../database/instance";
import {
  type CompletedDigests,
  type Images,
  type Owner,
  PHASES,
  type Phase,
  type Split,
  type Stage,
  type StepKind,
  parseSplit,
} from "../migration";

/** What the stack tells about a target. */
export interface TargetOutputs {
  readonly stage: Stage;
  /** `legacy 90 / blue 10`, once the data plane is proven to serve it. */
  readonly split: pulumi.Output<string>;
  readonly images: Images;
  readonly url: string;
  /** Its own, if it has one. */
  readonly database?: DatabaseOutputs;
}

/** Known once it holds. */
export type DatabaseOutputs = pulumi.Output<AppliedDatabase>;

export interface AppliedDatabase {
  readonly instance: string;
  readonly mode: DatabaseMode;
}

export interface StackOutputs {
  readonly targets: Readonly<Record<RoutedTargetName, TargetOutputs>>;
  readonly infrastructure: { readonly owner: Owner };
  readonly migration: {
    readonly phase: Phase;
    /** `migrating`, `watching until 2025-09-08T09:00:00Z` or `complete`. */
    readonly state: string;
  };
  /** The digests that have once had 100 % for a whole soak, by target. */
  readonly completed: Readonly<Partial<Record<RoutedTargetName, readonly string[]>>>;
  /** The step that each target's schema has gone through last, once it has. */
  readonly steps: Readonly<Partial<Record<RoutedTargetName, pulumi.Output<AppliedStep> | AppliedStep>>>;
}

/** A step of a schema, as it was prepared. */
export interface AppliedStep {
  readonly image: string;
  /** Of the database, whose schema it is. */
  readonly instance: string;
  /** Fingerprints of the schema. */
  readonly before: string;
  readonly after: string;
  readonly kind: StepKind;
  /** How long it took on the shadow. */
  readonly seconds: number;
}

/** What the last successful update left, as its outputs tell. */
export interface Applied {
  /** A target unknown to it is absent. */
  readonly splits: ReadonlyMap<RoutedTargetName, Split>;
  /** Undefined before the first update. */
  readonly owner: Owner | undefined;
  /** As `owner`. */
  readonly phase: Phase | undefined;
  readonly completed: CompletedDigests;
  readonly steps: ReadonlyMap<RoutedTargetName, AppliedStep>;
  /** A target without a database of its own is absent. */
  readonly databases: ReadonlyMap<RoutedTargetName, AppliedDatabase>;
}

/** @param outputs a stack's own; none before its first update */
export function parseOutputs(outputs: Readonly<Record<string, unknown>>): Applied {
  const targets = targetsSchema.safeParse(outputs["targets"]).data ?? {};
  const steps = stepsSchema.safeParse(outputs["steps"]).data ?? {};
  const completed = completedSchema.safeParse(outputs["completed"]).data ?? {};
  return {
    splits: new Map(
      routedTargets.flatMap((target) => {
        const split = parseSplit(targets[target]?.split ?? "");
        return split === undefined ? [] : [[target, split] as const];
      }),
    ),
    owner: infrastructureSchema.safeParse(outputs["infrastructure"]).data?.owner,
    phase: migrationSchema.safeParse(outputs["migration"]).data?.phase,
    databases: new Map(
      routedTargets.flatMap((target) => {
        const database = targets[target]?.database;
        return database === undefined ? [] : [[target, database] as const];
      }),
    ),
    completed: new Map(
      routedTargets.flatMap((target) => {
        const digests = completed[target];
        return digests === undefined ? [] : [[target, digests] as const];
      }),
    ),
    steps: new Map(
      routedTargets.flatMap((target) => {
        const step = steps[target];
        if (step === undefined) return [];
        // Earlier versions didn't say.
        const instance = step.instance ?? targets[target]?.database?.instance ?? firstInstance(target);
        return [[target, { ...step, instance }] as const];
      }),
    ),
  };
}

const databaseSchema = z.object({ instance: z.string(), mode: z.enum(DATABASE_MODES) });
const targetsSchema = z.record(
  z.string(),
  z.object({ split: z.string(), database: databaseSchema.optional() }),
);
const infrastructureSchema = z.object({ owner: z.enum(["terraform", "pulumi"]) });
const migrationSchema = z.object({ phase: z.enum(PHASES) });
const completedSchema = z.record(z.string(), z.array(z.string()));
const stepsSchema = z.record(
  z.string(),
  z.object({
    image: z.string(),
    instance: z.string().optional(),
    before: z.string(),
    after: z.string(),
    kind: z.enum(["expand", "contract"]),
    seconds: z.number(),
  }),
);
