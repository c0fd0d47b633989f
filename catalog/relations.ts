import { catalogEntry } from "./targets";
import { routedTargets } from "./types";
import type { RoutedTargetName, TargetName } from "./types";

/** The targets that call `target`, in the plan's order. */
export function callersOf(target: RoutedTargetName): readonly RoutedTargetName[] {
  return routedTargets.filter((each) => catalogEntry(each).dependencies.includes(target));
}

/** The plan's order: tier, then priority. Targets of one tier and priority may go in any order. */
export function comesBefore(one: TargetName, other: TargetName): boolean {
  const [a, b] = [catalogEntry(one), catalogEntry(other)];
  return a.tier === b.tier ? a.priority < b.priority : a.tier < b.tier;
}
