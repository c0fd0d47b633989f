import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { formatTime } from "../migration";
import { databaseOf } from "./databaseOf";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type Project, readWanted } from "./project";
import { Report } from "./report";

export interface BackupsOptions {
  readonly project: Project;
  readonly json: boolean;
}

/** The backups of a target's database, newest first, and the moments that a restore can go back to. */
export async function backups(
  target: RoutedTargetName,
  { project, json }: BackupsOptions,
): Promise<ExitCode> {
  const config = readWanted(project);
  const api = await KubeApi.connect(config.platform);
  const { host, instance } = await databaseOf(target, config, api);
  const [made, window] = await Promise.all([host.backups(instance), host.recoverable(instance)]);
  const words = [
    `${target}: ${instance}`,
    ...made.map(({ label, finishedAt }) => `  ${label}  finished ${formatTime(finishedAt)}`),
    window === undefined
      ? "Nothing can be restored: there is no backup yet."
      : `It can be restored to any moment from ${formatTime(window.from)} to ${window.to.toISOString()}: cutover restore ${target} --to TIME`,
    ...(window?.unanswered === undefined
      ? []
      : [`PostgreSQL doesn't answer: ${window.unanswered}. Until it does, nothing later can be restored.`]),
  ];
  new Report({ json }).result(words.join("\n"), {
    target,
    instance,
    backups: made.map(({ label, finishedAt }) => ({ label, finishedAt: finishedAt.toISOString() })),
    recoverable: window && { ...window, from: window.from.toISOString(), to: window.to.toISOString() },
  });
  return exitCodes.done;
}
