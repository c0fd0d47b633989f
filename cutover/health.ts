import { type RoutedTargetName, catalogEntry } from "../catalog";
import { checkHealth } from "../cluster/healthCheck";
import type { KubeApi } from "../cluster/kubeApi";
import type { StackConfig } from "../config/parse";
import type { Split } from "../migration";
import type { Report } from "./report";
import { reason } from "../cluster/thrown";

/** The end of every rollback: what was brought back answers its users. @returns whether all of it does */
export async function reportHealth(
  api: KubeApi,
  { domain, proxies }: StackConfig["platform"],
  splits: ReadonlyMap<RoutedTargetName, Split>,
  report: Report,
): Promise<boolean> {
  const results = await Promise.all(
    [...splits].map(async ([target, split]) => {
      try {
        const who = await checkHealth(api, { target: catalogEntry(target), split, domain, proxies });
        report.step(`${target} is healthy: ${who}`);
        return true;
      } catch (error) {
        report.problem(reason(error));
        return false;
      }
    }),
  );
  return results.every(Boolean);
}
