import { type ExitCode, exitCodes } from "../cutover/exitCodes";
import { type GuardRunOptions, runGuard } from "./run";
import { readSecretFile } from "./secretFile";
import { UsageError } from "../cutover/project";
import { reason } from "../cluster/thrown";

/** `cutover guard`: serves until it is interrupted. @throws UsageError for a secret that can't be read */
export async function serveGuard(options: GuardRunOptions): Promise<ExitCode> {
  const { alertTokenFile, reportTokenFile, chatUrlFile, dispatch } = options;
  const files = [alertTokenFile, reportTokenFile, chatUrlFile, dispatch?.tokenFile];
  const problems = files.flatMap((file) => {
    if (file === undefined) return [];
    try {
      readSecretFile(file);
      return [];
    } catch (error) {
      return [reason(error)];
    }
  });
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  await runGuard(options);
  return exitCodes.done;
}
