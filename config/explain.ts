import { z } from "zod";
import { nearest } from "./nearest";
import { keyInFile } from "./problem";
import type { Problem } from "./problem";
import { stackSchema } from "./schema";

/** What the schema refused, in words: found and expected, at the key as it stands in the file. */
export function explain(issue: z.core.$ZodIssue, config: unknown): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(config, path, key));
  if (issue.code === "invalid_key") {
    return issue.issues.map(({ message }) => ({
      path,
      text: `found ${JSON.stringify(path.at(-1))}, expected ${message}`,
    }));
  }
  return [{ path, text: `found ${describe(config, path)}, expected ${issue.message}` }];
}

function unknownKey(config: unknown, path: readonly string[], key: string): Problem {
  const known = keysAt(stackSchema, config, path);
  const meant = nearest(key, known);
  const suggestion = meant === undefined ? "" : `; did you mean ${keyInFile([...path, meant])}?`;
  return {
    path: [...path, key],
    text: `found an unknown key, expected one of ${known.join(", ")}${suggestion}`,
  };
}

/** @param value what stands in the config where the schema is asked for: a union's keys depend on it */
function keysAt(schema: z.core.$ZodType, value: unknown, path: readonly string[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return keysAt(schema.unwrap(), value, path);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def;
    const chosen = memberOf(value, discriminator);
    const option = schema.options.find(
      (each) => isObject(each) && z.safeParse(each.shape[discriminator] ?? z.never(), chosen).success,
    );
    return option === undefined ? [] : keysAt(option, value, path);
  }
  const [key, ...rest] = path;
  if (schema instanceof z.ZodArray) return keysAt(schema.element, memberOf(value, key), rest);
  if (!isObject(schema)) return [];
  if (key === undefined) return Object.keys(schema.shape);
  const inner = schema.shape[key];
  return inner === undefined ? [] : keysAt(inner, memberOf(value, key), rest);
}

function isObject(schema: z.core.$ZodType): schema is z.ZodObject<z.ZodRawShape> {
  return schema instanceof z.ZodObject;
}

const hiddenKeys = ["settings", "secrets", "signingKey", "gitToken", "password"];

/** The value at `path`, unless it may be secret: then only its kind. */
function describe(config: unknown, path: readonly string[]): string {
  const value = path.reduce(memberOf, config);
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  // In the place of a whole target, or of its database, any text may be its secret.
  const hidden =
    path.length === 1 || path.at(-1) === "database" || path.some((key) => hiddenKeys.includes(key));
  return hidden ? `a ${typeof value} (not shown)` : JSON.stringify(value);
}

function memberOf(value: unknown, key: string | undefined): unknown {
  return typeof value === "object" && value !== null && key !== undefined
    ? new Map<string, unknown>(Object.entries(value)).get(key)
    : undefined;
}
