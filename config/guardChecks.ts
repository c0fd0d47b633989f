import { type Entry, mapAt } from "./entry";
import type { Problem } from "./problem";

/** What the guard needs of the rest of the config. */
export function guardChecks(config: Entry): Problem[] {
  if (config["guard"] === undefined) return [];
  const { controlPlaneCidrs } = mapAt(config, "platform");
  if (Array.isArray(controlPlaneCidrs) && controlPlaneCidrs.length > 0) return [];
  const text =
    "found no pyairtable:platform.controlPlaneCidrs, expected the API server's ranges: the guard may reach nothing else there";
  return [{ path: ["guard"], text }];
}
