import type { ResourceCheck } from "./check";
import { containersOf, podSpecOf } from "./pods";
import { at } from "./value";

const bounds = ["requests", "limits"];
const amounts = ["cpu", "memory"];

export const containerResources: ResourceCheck = {
  name: "container-resources",
  description: "Every container says how much CPU and memory it requests and is limited to.",
  find: (resource) =>
    containersOf(podSpecOf(resource)).flatMap(({ label, spec }) => {
      const missing = bounds.flatMap((bound) =>
        amounts
          .filter((amount) => at(spec, "resources", bound, amount) === undefined)
          .map((amount) => `${bound}.${amount}`),
      );
      if (missing.length === 0) return [];
      return [
        {
          part: label,
          found: `no ${missing.join(", no ")}`,
          expected: "requests and limits of cpu and memory",
          remedy: "give them under `resources`, as catalog/defaults.ts does",
        },
      ];
    }),
};
