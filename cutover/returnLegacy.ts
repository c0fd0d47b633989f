import { type RoutedTargetName, catalogEntry } from "../catalog";
import { checkHealth } from "../cluster/healthCheck";
import type { KubeApi } from "../cluster/kubeApi";
import { editStackFile } from "../config/edit";
import { valuesIn } from "../config/stackFile";
import { carryOut } from "./carryOut";
import { withStackFile } from "./committedFile";
import { type Project, readWanted } from "./project";
import type { Report } from "./report";

export interface ReturnLegacyOptions {
  readonly project: Project;
  readonly api: KubeApi;
  /** The stack file as it is carried out meanwhile, with legacy retired. */
  readonly text: string;
  /** Whose legacy serves, but is no backend of their routes. */
  readonly targets: readonly RoutedTargetName[];
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly refresh: boolean;
}

/**
 * Makes retired legacy a backend again, without traffic, and waits until the data plane reaches it. A route that names a
 * backend for the first time and gives it traffic at once loses requests.
 * @throws what an update throws, or Error when a proxy doesn't reach it
 */
export async function returnLegacy(options: ReturnLegacyOptions): Promise<void> {
  const { project, api, targets, report } = options;
  const text = targets.reduce(keepLegacy, options.text);
  const message = `legacy of ${targets.join(", ")} is a backend again`;
  const { platform, targets: wanted } = await withStackFile(project, text, async (copy) => {
    const config = readWanted(copy);
    await carryOut({ ...options, project: copy, config, message, wait: true });
    return config;
  });
  const { domain, proxies } = platform;
  await Promise.all(
    targets.map((target) =>
      checkHealth(api, {
        target: catalogEntry(target),
        split: wanted[target].split,
        backends: ["legacy"],
        domain,
        proxies,
      }),
    ),
  );
  report.step(message);
}

/** The stack file with a target's legacy kept; standby is what a file says that says nothing. */
export function keepLegacy(text: string, target: RoutedTargetName): string {
  const value = valuesIn(text)[`pyairtable:${target}`];
  const isRetired =
    typeof value === "object" && value !== null && "legacy" in value && value.legacy === "retired";
  return isRetired ? editStackFile(text, ["config", `pyairtable:${target}`, "legacy"], "standby") : text;
}
