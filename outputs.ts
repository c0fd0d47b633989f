import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "./catalog";
import { type Images, type Split, type Stage, parseSplit } from "./migration";

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
  readonly infrastructure: { readonly owner: "terraform" | "pulumi" };
}

const targetsSchema = z.record(z.string(), z.object({ split: z.string() }));

/** The splits that the last successful update left, from the stack's output `targets`; empty before the first. */
export function appliedSplits(targets: unknown): ReadonlyMap<RoutedTargetName, Split> {
  const parsed = targetsSchema.safeParse(targets);
  if (!parsed.success) return new Map();
  return new Map(
    routedTargets.flatMap((target) => {
      const split = parseSplit(parsed.data[target]?.split ?? "");
      return split === undefined ? [] : [[target, split] as const];
    }),
  );
}
