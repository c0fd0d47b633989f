import type { RoutedTargetName } from "../catalog";
import { KubeApi, UnreachableError } from "../cluster/kubeApi";
import { KubeconfigError } from "../cluster/kubeconfig";
import { ClusterError, readLiveRoutes } from "../cluster/liveRoutes";
import type { StackConfig } from "../config/parse";
import type { LiveRoute } from "../migration";
import { type ExitCode, exitCodes } from "./exitCodes";
import { matrixOf } from "./compatibility";
import { renderMatrix, renderMatrixMarkdown } from "./matrixView";
import { type Project, readWanted } from "./project";
import { Report } from "./report";
import { reason } from "./thrown";

export interface MatrixOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly markdown: boolean;
}

/** What each target runs, and with which backends of the targets that it depends on. */
export async function matrix({ project, json, markdown }: MatrixOptions): Promise<ExitCode> {
  const report = new Report({ json });
  const config = readWanted(project);
  const live = await readLive(config, report);
  const found = matrixOf({ config, live, now: new Date() });
  report.result(markdown ? renderMatrixMarkdown(found) : renderMatrix(found), found);
  return exitCodes.done;
}

/** @returns undefined where no cluster answers: what the file asks for is worth reading without one too */
async function readLive(
  { platform }: StackConfig,
  report: Report,
): Promise<ReadonlyMap<RoutedTargetName, LiveRoute> | undefined> {
  try {
    const api = await KubeApi.connect(platform);
    return await readLiveRoutes(api, platform.namespace);
  } catch (error) {
    const expected = [UnreachableError, KubeconfigError, ClusterError];
    if (!expected.some((type) => error instanceof type)) throw error;
    report.problem(`From the stack file alone: ${reason(error)}`);
    return undefined;
  }
}
