import { ALERTS } from "../monitoring/table";
import type { Entry } from "./entry";
import { indicatorsSchema } from "./monitoringSchema";
import type { Problem } from "./problem";

/** The plan's durations hold in every stack but the throw-away one, which has no operator either. */
export function monitoringChecks(
  environment: string | undefined,
  { timeScale, rules, stack }: Entry,
): Problem[] {
  if (environment === undefined) return [];
  const isLocal = environment === "local";
  return [
    ...(!isLocal && typeof timeScale === "number" && timeScale !== 1
      ? [problem("timeScale", `found ${timeScale}, expected no such key in ${environment}`)]
      : []),
    ...(stack !== undefined && rules === "files"
      ? [problem("stack", "found it beside rules: files, expected rules: operator, which it brings")]
      : []),
  ];
}

function problem(key: string, text: string): Problem {
  return { path: ["monitoring", key], text };
}

/** An alert's name means one thing: to the guard, to whoever is woken, and in docs/alerts.md. */
export function indicatorChecks({ indicators }: Entry): Problem[] {
  const known = indicatorsSchema.safeParse(indicators).data ?? [];
  return known.flatMap(({ name }, index) => {
    const path = ["indicators", String(index), "name"];
    if (ALERTS.some((alert) => alert.name === name)) {
      return [{ path, text: `found ${name}, expected a name that no alert of the plan has` }];
    }
    const isFirst = known.findIndex((other) => other.name === name) === index;
    return isFirst ? [] : [{ path, text: `found ${name} twice, expected a name of its own` }];
  });
}
