import { allConfig } from "@pulumi/pulumi/runtime/config";
import { parseStackConfig } from "./parse";
import type { StackConfig } from "./parse";

/**
 * The config of the stack that the program runs for.
 * @throws ConfigError with all that is wrong in it
 */
export function loadStackConfig(): StackConfig {
  const values = Object.entries(allConfig());
  return parseStackConfig(Object.fromEntries(values.map(([key, text]) => [key, parseJson(text)])));
}

/** Text that isn't JSON stays text, which the schema refuses where it expects a map. */
function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return text;
  }
}
