import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { trafficSchema } from "../config/schema";
import { valuesIn } from "../config/stackFile";
import type { WantedTarget } from "../migration";
import { reason } from "../cluster/thrown";

/** What can't be understood, and why, in one line. */
export interface Unreadable {
  readonly unreadable: string;
}

export type Told<T> = T | Unreadable;

export type Owner = "terraform" | "pulumi";

/** What a version of the stack file asks for, as far as its history is about it. */
export interface FileState {
  readonly targets: ReadonlyMap<RoutedTargetName, Told<WantedTarget>>;
  readonly owner: Told<Owner>;
}

export function isUnreadable<T extends object | string>(told: Told<T>): told is Unreadable {
  return typeof told === "object" && "unreadable" in told;
}

/**
 * Reads an old version of the stack file. Knows only the keys that say where traffic is, so that a version that
 * today's schema refuses for another reason still counts; what it can't read of one target doesn't hide the others.
 */
export function fileStateOf(text: string): Told<FileState> {
  try {
    return stateOfValues(valuesIn(text));
  } catch (error) {
    // What follows the first line quotes the file.
    return { unreadable: reason(error).split("\n")[0]?.replace(/:$/, "") ?? "" };
  }
}

/** @param values by full key, as under `config` in the file */
export function stateOfValues(values: Readonly<Record<string, unknown>>): FileState {
  return {
    targets: new Map(
      routedTargets.map((target) => [target, told(targetSchema, values[`pyairtable:${target}`])]),
    ),
    owner: told(infrastructureSchema, values["pyairtable:infrastructure"]),
  };
}

const image = z.string({ error: "an image" }).optional();

const targetSchema = z
  .object(
    {
      blue: image,
      green: image,
      traffic: trafficSchema.refine(({ legacy, blue, green }) => legacy + blue + green === 100, {
        error: "a sum of 100",
      }),
      legacy: z.enum(["standby", "retired"], { error: "standby or retired" }).default("standby"),
      adopt: z.boolean({ error: "true" }).default(false),
    },
    { error: "a map" },
  )
  .transform(({ blue, green, traffic, legacy, adopt }): WantedTarget => ({
    split: traffic,
    images: { ...(blue !== undefined && { blue }), ...(green !== undefined && { green }) },
    legacy,
    adopt,
  }));

const infrastructureSchema = z
  .object(
    { owner: z.enum(["terraform", "pulumi"], { error: "terraform or pulumi" }) },
    { error: "a map with owner" },
  )
  .transform(({ owner }): Owner => owner);

function told<T>(schema: z.ZodType<T>, value: unknown): Told<T> {
  if (value === undefined) return { unreadable: "it has no such key" };
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.path.join(".") ?? "";
  return { unreadable: `${key === "" ? "" : `${key}: `}expected ${issue?.message ?? "something else"}` };
}
