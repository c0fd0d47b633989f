import type { StackConfig } from "./parse";

export type Environment = StackConfig["platform"]["environment"];

/** What the Kubernetes provider calls the cluster, and by which the policies know whose resources they are. */
export function clusterIdentifierOf(environment: Environment): string {
  return `pyairtable-${environment}`;
}
