import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import {
  type CompletedDigests,
  type Images,
  type Owner,
  PHASES,
  type Phase,
  type Split,
  type Stage,
  parseSplit,
} from "../migration";

/** What the stack tells about a target. */
export interface TargetOutputs {
  readonly stage: Stage;
  /** `legacy 90 / blue 10`, once the data plane is proven to serve it. */
  readonly split: pulumi.Output<string>;
  readonly images: Images;
  readonly url: string;
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
}

/** @param outputs a stack's own; none before its first update */
export function parseOutputs(outputs: Readonly<Record<string, unknown>>): Applied {
  const targets = targetsSchema.safeParse(outputs["targets"]).data ?? {};
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
    completed: new Map(
      routedTargets.flatMap((target) => {
        const digests = completed[target];
        return digests === undefined ? [] : [[target, digests] as const];
      }),
    ),
  };
}

const targetsSchema = z.record(z.string(), z.object({ split: z.string() }));
const infrastructureSchema = z.object({ owner: z.enum(["terraform", "pulumi"]) });
const migrationSchema = z.object({ phase: z.enum(PHASES) });
const completedSchema = z.record(z.string(), z.array(z.string()));
