import { KubeApi, UnreachableError } from "../cluster/kubeApi";
import { KubeconfigError } from "../cluster/kubeconfig";
import { ClusterError, readLiveRoutes } from "../cluster/liveRoutes";
import type { StackConfig } from "../config/parse";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type CompatibilityInput, matrixOf } from "./compatibility";
import { renderMatrix, renderMatrixMarkdown } from "./matrixView";
import { type Project, readWanted } from "./project";
import { Report } from "./report";
import { reason } from "../cluster/thrown";

export interface MatrixOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly markdown: boolean;
}

/** What each target runs, and with which backends of the targets that it depends on. */
export async function matrix({ project, json, markdown }: MatrixOptions): Promise<ExitCode> {
  const report = new Report({ json });
  const config = readWanted(project);
  const found = matrixOf({ config, ...(await readLive(config, report)) });
  report.result(markdown ? renderMatrixMarkdown(found) : renderMatrix(found), found);
  return exitCodes.done;
}

/** Without routes, and at this machine's time, where no cluster answers: the file is worth reading without one too. */
async function readLive(
  { platform }: StackConfig,
  report: Report,
): Promise<Pick<CompatibilityInput, "live" | "now">> {
  try {
    const api = await KubeApi.connect(platform);
    const live = await readLiveRoutes(api, platform.namespace);
    return { live, now: api.now() };
  } catch (error) {
    const expected = [UnreachableError, KubeconfigError, ClusterError];
    if (!expected.some((type) => error instanceof type)) throw error;
    report.problem(`From the stack file alone: ${reason(error)}`);
    return { live: undefined, now: new Date() };
  }
}
