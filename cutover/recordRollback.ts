import type { KubeApi } from "../cluster/kubeApi";
import { carryOut } from "./carryOut";
import { withStackFile } from "./committedFile";
import { GitError } from "./git";
import type { Project } from "./project";
import { readWanted } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import type { Report } from "./report";
import { Repository } from "./repository";

export interface RecordOptions {
  readonly project: Project;
  readonly api: KubeApi;
  readonly edit: (text: string) => string;
  readonly message: string;
  readonly signal: AbortSignal;
  readonly report: Report;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
}

/**
 * Commits where the traffic is, and updates the stack. What git refuses stands in the working copy at least, if it can
 * be edited, and is carried out all the same; what else somebody is editing there is not. @returns whether git and state agree with the route now
 */
export async function recordRollback({ edit, message, ...options }: RecordOptions): Promise<boolean> {
  const { project, report } = options;
  const repository = await Repository.containing(project.configFile);
  const isCommitted = await commit(repository, edit, message, report);
  if (!isCommitted) {
    await withStackFile(project, edit(await repository.committed()), (copy) =>
      carryOut({ ...options, project: copy, config: readWanted(copy), message, wait: true }),
    );
    return false;
  }
  await commitAndCarryOut({ ...options, repository, message, wait: true });
  return true;
}

async function commit(
  repository: Repository,
  edit: (text: string) => string,
  message: string,
  report: Report,
): Promise<boolean> {
  try {
    const commit = await repository.commit(edit, message);
    report.step(
      commit === undefined ? "git says so already" : `committed ${commit.id.slice(0, 9)} ${message}`,
    );
    return true;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    report.problem(`${error.message}\n${whatStandsInFile(repository, edit)}`);
    return false;
  }
}

function whatStandsInFile(repository: Repository, edit: (text: string) => string): string {
  try {
    repository.editWorkingCopy(edit);
    return "The stack file says so now, but it is not committed: commit it by hand.";
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return "The stack file doesn't say so yet: mend it, then run this again.";
  }
}
