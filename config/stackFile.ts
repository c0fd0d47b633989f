import { parse } from "yaml";
import { type StackConfig, parseStackConfig } from "./parse";
import { UNREADABLE } from "./unreadable";

/** A text that is no Pulumi stack file at all. */
export class StackFileError extends Error {
  override readonly name = "StackFileError";
}

/**
 * What a stack file asks for, read without the key to its secrets: each encrypted value is `UNREADABLE`.
 * @throws StackFileError, or ConfigError with all that is wrong in it
 */
export function parseStackFile(text: string): StackConfig {
  return parseStackConfig(valuesIn(text));
}

/** The values under `config`, by full key. */
export function valuesIn(stackFile: string): Readonly<Record<string, unknown>> {
  const document = readYaml(stackFile);
  if (typeof document !== "object" || document === null || !("config" in document)) {
    throw new StackFileError("found no key config in the stack file, expected the stack's config under it");
  }
  return Object.fromEntries(Object.entries(document.config ?? {}));
}

function readYaml(text: string): unknown {
  try {
    return parse(text, (_key, value: unknown) => (isEncrypted(value) ? UNREADABLE : value));
  } catch (error) {
    throw new StackFileError(`the stack file is not valid YAML: ${String(error)}`);
  }
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}
