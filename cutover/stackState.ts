import type { Deployment } from "@pulumi/pulumi/automation";
import { z } from "zod";
import { stackType } from "./updateEvents";

/** Something that was begun with a resource, of which nobody knows how it ended. */
export interface PendingOperation {
  readonly urn: string;
  /** "creating", "updating", "deleting", "reading", "importing" */
  readonly type: string;
}

/** What is read from a stack's state. */
export interface StackState {
  /** How many there are that an update deals with. */
  readonly resources: number;
  /** The stack's own; empty before the first update. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly pendingOperations: readonly PendingOperation[];
}

const deploymentSchema = z.object({
  resources: z
    .array(
      z.object({
        urn: z.string(),
        type: z.string(),
        outputs: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
  pending_operations: z
    .array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) }))
    .default([]),
});

/** @param exported the stack with its secrets in plain text */
export function parseStackState({ deployment }: Deployment): StackState {
  const { resources, pending_operations: pending } = deploymentSchema.parse(deployment);
  const stack = resources.find(({ type }) => type === stackType);
  return {
    resources: resources.filter((resource) => !isDefaultProvider(resource)).length,
    outputs: Object.fromEntries(
      Object.entries(stack?.outputs ?? {}).map(([name, value]) => [name, withoutSecrecy(value)]),
    ),
    pendingOperations: pending.map(({ type, resource }) => ({ urn: resource.urn, type })),
  };
}

/** The engine makes these by itself, and no event tells of them. */
function isDefaultProvider({ type, urn }: { readonly type: string; readonly urn: string }): boolean {
  return type.startsWith("pulumi:providers:") && /::default(_[^:]*)?$/.test(urn);
}

/** How Pulumi marks a secret: the same key and value in all versions. */
const secretSchema = z.object({
  "4dabf18193072939515e22adb298388d": z.literal("1b47061264138c4ac30d75fd1eb44270"),
  plaintext: z.string(),
});

/** The value as the program exported it: a secret within it stands there as an object that holds its JSON. */
function withoutSecrecy(value: unknown): unknown {
  const reveal = (_key: string, part: unknown): unknown => {
    const secret = secretSchema.safeParse(part);
    return secret.success ? JSON.parse(secret.data.plaintext) : part;
  };
  return JSON.parse(JSON.stringify(value), reveal);
}
