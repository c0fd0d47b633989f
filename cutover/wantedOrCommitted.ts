import type { StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";
import { type Project, readWanted } from "./project";
import type { Report } from "./report";
import { reason } from "../cluster/thrown";

/** The stack file as it is, or as it was committed when somebody is in the middle of an edit. */
export async function wantedOrCommitted(project: Project, report: Report): Promise<StackConfig> {
  try {
    return readWanted(project);
  } catch (error) {
    const { Repository } = await import("./repository.js");
    const committed = await Repository.containing(project.configFile)
      .then(async (repository) => parseStackFile(await repository.committed()))
      .catch(() => undefined);
    if (committed === undefined) throw error;
    report.problem(
      `${project.configFile} can't be read as it is, so what is committed counts. ${reason(error)}`,
    );
    return committed;
  }
}
