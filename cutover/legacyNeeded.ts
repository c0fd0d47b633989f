import type { RoutedTargetName } from "../catalog";
import type { StackConfig } from "../config/parse";
import { type LiveRoute, formatSplit, isTampered } from "../migration";

/** Why a target's legacy can't be stopped, or undefined. The file and the live route must agree that it is retired. */
export function stillNeeded(
  target: RoutedTargetName,
  route: LiveRoute | undefined,
  { targets }: Pick<StackConfig, "targets">,
): string | undefined {
  const key = `pyairtable:${target}`;
  if (targets[target].legacy !== "retired") {
    return `${key}.legacy: found standby, expected retired: it is the way back`;
  }
  if (route === undefined) return `${key}: found no live route, expected one that says legacy is retired`;
  if (isTampered(route)) return `${key}: found a route that was changed by hand (${route.tampered})`;
  if (route.split.legacy > 0)
    return `${key}: found live traffic ${formatSplit(route.split)}, expected none on legacy`;
  if (route.legacy === "retired") return undefined;
  return `${key}: found legacy on standby in the live route, expected retired: pulumi up`;
}
