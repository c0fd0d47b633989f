import path from "node:path";

/**
 * What a rollback of level 2 restores: what is under version control and decides what runs, but isn't the program.
 * Relative to the repository's root, as git writes it.
 * @param stackFile relative to the root, too; the project's other files are beside it
 */
export function restoredPaths(stackFile: string): readonly string[] {
  const beside = (name: string): string => path.posix.join(path.posix.dirname(stackFile), name);
  return [stackFile, beside("Pulumi.yaml"), beside("package.json"), beside("package-lock.json"), workflows];
}

/** Of GitHub: nothing that it runs may push a change of these. */
export const workflows = ".github";
