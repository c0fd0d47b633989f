import { z } from "zod";
import { nearest } from "./nearest";
import { keyInFile } from "./problem";
import type { Problem } from "./problem";
import { LATER, stackSchema } from "./schema";

/** What the schema refused, in words: found and expected, at the key as it stands in the file. */
export function explain(issue: z.core.$ZodIssue, config: unknown): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.message === LATER) return [{ path, text: LATER }];
  if (issue.code === "invalid_key") {
    return issue.issues.map(({ message }) => ({
      path,
      text: `found ${JSON.stringify(path.at(-1))}, expected ${message}`,
    }));
  }
  return [{ path, text: `found ${describe(config, path)}, expected ${issue.message}` }];
}

function unknownKey(path: readonly string[], key: string): Problem {
  const known = keysAt(stackSchema, path);
  const meant = nearest(key, known);
  const suggestion = meant === undefined ? "" : `; did you mean ${keyInFile([...path, meant])}?`;
  return {
    path: [...path, key],
    text: `found an unknown key, expected one of ${known.join(", ")}${suggestion}`,
  };
}

function keysAt(schema: z.core.$ZodType, path: readonly string[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return keysAt(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodArray) return keysAt(schema.element, path.slice(1));
  if (!isObject(schema)) return [];
  const [key, ...rest] = path;
  if (key === undefined) return Object.keys(schema.shape);
  const inner = schema.shape[key];
  return inner === undefined ? [] : keysAt(inner, rest);
}

function isObject(schema: z.core.$ZodType): schema is z.ZodObject<z.ZodRawShape> {
  return schema instanceof z.ZodObject;
}

const hiddenKeys = ["settings", "secrets", "signingKey", "gitToken"];

/** The value at `path`, unless it may be secret: then only its kind. */
function describe(config: unknown, path: readonly string[]): string {
  const value = path.reduce(memberOf, config);
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  // In the place of a whole target, any text may be its secret.
  const hidden = path.length === 1 || path.some((key) => hiddenKeys.includes(key));
  return hidden ? `a ${typeof value} (not shown)` : JSON.stringify(value);
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(key)
    : undefined;
}
