import type { ResourceCheck } from "./check";
import { kindOf } from "./pods";
import { type Value, at, shown } from "./value";

/** What lets no pod go, whatever runs. Of a number of pods only the whole stack can say it. */
const locked: readonly { readonly key: string; readonly values: readonly Value[] }[] = [
  { key: "maxUnavailable", values: [0, "0", "0%"] },
  { key: "minAvailable", values: ["100%"] },
];

export const disruptionBudgets: ResourceCheck = {
  name: "disruption-budgets",
  description:
    "Every PodDisruptionBudget lets a pod go: one that doesn't stops the drain of a node for ever.",
  find: (resource) => {
    if (kindOf(resource) !== "PodDisruptionBudget") return [];
    return locked.flatMap(({ key, values }) => {
      const value = at(resource.properties, "spec", key);
      if (!values.includes(value)) return [];
      return [
        {
          found: `${key}: ${shown(value)}`,
          expected: "a budget that lets at least one pod go",
          remedy: "use maxUnavailable: 1",
        },
      ];
    });
  },
};
