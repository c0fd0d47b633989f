import { stringify } from "yaml";
import { routedTargets } from "../catalog";
import type { StackConfig } from "./parse";

/**
 * What a guard in the cluster must know of the stack, as a stack file: where a route leads that can't be believed, and
 * how many replicas are a full standby. Nothing of it is secret, and nothing says how to reach the cluster from outside.
 */
export function guardStackFile(config: StackConfig): string {
  const { migration, platform, targets, infrastructure, staging, registry } = config;
  const ofTargets = routedTargets.map((name) => {
    const { images, split, legacy, capacity } = targets[name];
    // Whoever parses it asks for one where a colour runs.
    const key = name === "auth-service" && { signingKey: { secure: "kept elsewhere" } };
    return [`pyairtable:${name}`, { ...images, traffic: split, legacy, capacity, ...key }] as const;
  });
  return stringify({
    config: {
      "pyairtable:migration": { phase: migration.phase, soakHours: migration.soakHours },
      "pyairtable:platform": { ...platform, aws: undefined, cluster: undefined, kubeContext: undefined },
      ...(staging && { "pyairtable:staging": staging }),
      ...(registry && { "pyairtable:registry": { host: registry.host } }),
      "pyairtable:infrastructure": { owner: infrastructure.owner },
      ...Object.fromEntries(ofTargets),
    },
  });
}
