import { type Command, InvalidArgumentError } from "commander";
import type { RoutedTargetName } from "../catalog/types";
import type { CommandTools, Flags } from "./commandTools";

interface RestoreFlags extends Flags {
  readonly to: Date;
  readonly uncompared?: boolean;
}

/** `cutover backups TARGET`, `cutover restore TARGET --to TIME` */
export function addRestoreCommands(program: Command, tools: CommandTools): void {
  const { common, changing, run, parseTarget, targetHelp } = tools;

  common(program.command("backups"))
    .description("the backups of a target's database, and how far back it can be restored")
    .argument("<target>", targetHelp, parseTarget)
    .action((target: RoutedTargetName, options: Flags) =>
      run(async (project, { json = false }) => {
        const { backups } = await import("./backups.js");
        return backups(target, { project, json });
      })(options),
    );

  changing(program.command("restore"))
    .description(
      "restore a target's database beside it, list what was written since, and switch to it: commit, update",
    )
    .argument("<target>", targetHelp, parseTarget)
    .requiredOption("--to <time>", "the moment to go back to: 2025-08-11T09:00:00Z", parseTime)
    .option(
      "--uncompared",
      "switch even where what was written since can't be listed, as the one in use doesn't answer; --yes is not enough for that",
    )
    .action((target: RoutedTargetName, options: RestoreFlags) =>
      run(async (project, { json = false, dryRun = false, yes = false }, signal) => {
        const { restore } = await import("./restore.js");
        const { to, uncompared = false } = options;
        return restore(target, { project, to, uncompared, json, dryRun, yes, signal });
      })(options),
    );
}

function parseTime(text: string): Date {
  const time = new Date(text);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (isTime && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError("expected a time with its zone (2025-08-11T09:00:00Z)");
}
