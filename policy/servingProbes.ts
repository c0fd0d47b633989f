import type { ResourceCheck } from "./check";
import { containersOf, kindOf, podSpecOf } from "./pods";
import { at, itemsAt } from "./value";

/** What ends by itself serves nobody. */
const kindsThatEnd: readonly (string | undefined)[] = ["Job", "CronJob"];
const probes = ["readinessProbe", "livenessProbe"];

export const servingProbes: ResourceCheck = {
  name: "serving-probes",
  description: "Every container that serves, which is one with a port, has a readiness and a liveness probe.",
  find: (resource) => {
    if (kindsThatEnd.includes(kindOf(resource))) return [];
    return containersOf(podSpecOf(resource)).flatMap(({ label, stays, spec }) => {
      const missing = probes.filter((probe) => at(spec, probe) === undefined);
      if (!stays || itemsAt(spec, "ports").length === 0 || missing.length === 0) return [];
      return [
        {
          part: label,
          found: `a port and no ${missing.join(", no ")}`,
          expected: "both probes",
          remedy:
            "without them a release gets traffic before it answers, and keeps it when it has stopped to",
        },
      ];
    });
  },
};
