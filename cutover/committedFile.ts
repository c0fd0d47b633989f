import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Project } from "./project";
import { Refused } from "./refused";
import type { Repository } from "./repository";

/** @throws Refused when somebody is still editing the stack file, so that it isn't clear whose change would be judged */
export async function requireCommitted(project: Project, repository: Repository): Promise<void> {
  if (!(await repository.hasUncommittedEdit())) return;
  throw new Refused(
    `${project.configFile} has changes that are not committed, expected none: commit or stash them first`,
  );
}

/** What somebody is still editing must not be carried out: `work` then gets a copy of the file that is committed. */
export async function withCommittedFile<T>(
  project: Project,
  repository: Repository,
  work: (committed: Project) => Promise<T>,
): Promise<T> {
  if (!(await repository.hasUncommittedEdit())) return work(project);
  return withStackFile(project, await repository.committed(), work);
}

/** `work` gets a stack file of its own, with this text. */
export async function withStackFile<T>(
  project: Project,
  text: string,
  work: (copy: Project) => Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cutover-"));
  try {
    const configFile = path.join(folder, path.basename(project.configFile));
    fs.writeFileSync(configFile, text, { mode: 0o600 });
    return await work({ ...project, configFile });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
