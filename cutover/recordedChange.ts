import type { KubeApi } from "../cluster/kubeApi";
import { parseStackFile } from "../config/stackFile";
import { carryOut, markGood } from "./carryOut";
import { withCommittedFile } from "./committedFile";
import { type Project, readWanted } from "./project";
import type { Report } from "./report";
import type { Repository } from "./repository";

export interface RecordedChange {
  readonly project: Project;
  readonly repository: Repository;
  readonly api: KubeApi;
  /** Of the stack file's text; absent when it is committed already. */
  readonly edit?: (text: string) => string;
  /** Of the commit, and in the stack's history. */
  readonly message: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Waits for somebody else's update instead of refusing. @default false */
  readonly wait?: boolean;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
}

/**
 * Commits a change, carries out what is committed, and marks it as good.
 * @throws GitError, StackLocked, UpdateFailed, or Error when a target isn't as the file says
 */
export async function commitAndCarryOut({ edit, ...change }: RecordedChange): Promise<void> {
  const { project, repository, message, report } = change;
  if (edit !== undefined) {
    const commit = await repository.commit(edit, message);
    report.step(
      commit === undefined ? "git says so already" : `committed ${commit.id.slice(0, 9)} ${message}`,
    );
  }
  await withCommittedFile(project, repository, async (committed) => {
    const config = readWanted(committed);
    await carryOut({
      ...change,
      project: committed,
      config,
      wantedNow: async () => parseStackFile(await repository.committed()),
      onProgress: (text) => report.progress(text),
    });
    await markGood({ project, config, report, repository });
  });
}
