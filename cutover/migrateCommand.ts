import type { Command } from "commander";
import type { RoutedTargetName } from "../catalog/types";
import type { CommandTools, Flags } from "./commandTools";
import { UsageError } from "./project";

interface MigrateFlags extends Flags {
  readonly prepare?: boolean;
  readonly down?: boolean;
  readonly status?: boolean;
}

/** `cutover migrate TARGET --prepare|--down|--status` */
export function addMigrateCommand(program: Command, tools: CommandTools): void {
  const { changing, run, parseTarget, targetHelp } = tools;
  changing(program.command("migrate"))
    .description("the step of a target's schema: try it on a shadow, take it back, see where it stands")
    .argument("<target>", targetHelp, parseTarget)
    .option(
      "--prepare",
      "back up, try the step on a shadow of that backup, and leave evidence for the update",
    )
    .option("--down", "take the step back that no release needs any more; what is lost is listed in a file")
    .option("--status", "what is there, what was prepared, what is needed")
    .action((target: RoutedTargetName, options: MigrateFlags) =>
      run(async (project, { json = false, dryRun = false, yes = false }, signal) => {
        const { prepare = false, down = false, status = false } = options;
        if ([prepare, down, status].filter(Boolean).length !== 1) {
          throw new UsageError("expected one of --prepare, --down and --status");
        }
        const asked = { project, json, dryRun, yes, signal };
        if (prepare) return (await import("./migratePrepare.js")).prepareStep(target, asked);
        if (down) return (await import("./migrateDown.js")).takeStepBack(target, asked);
        return (await import("./migrateStatus.js")).stepStatus(target, asked);
      })(options),
    );
}
