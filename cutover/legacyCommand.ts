import type { Command } from "commander";
import type { RoutedTargetName } from "../catalog/types";
import type { CommandTools, Flags } from "./commandTools";

/** `cutover legacy start|stop|status [target…]` */
export function addLegacyCommand(program: Command, tools: CommandTools): void {
  const { common, changing, run } = tools;
  const legacy = program.command("legacy").description("the monorepo's containers: start, stop, look");
  const targets = (command: Command): Command =>
    command.argument(
      "[target...]",
      `${tools.targetHelp} (default: all)`,
      (text: string, before: readonly RoutedTargetName[] | undefined) => [
        ...(before ?? []),
        tools.parseTarget(text),
      ],
    );

  common(targets(legacy.command("status")))
    .description("which containers run, and whether they answer")
    .action((names: readonly RoutedTargetName[] | undefined, options: Flags) =>
      run(async (project, { json = false }) => {
        const { legacyStatus } = await import("./legacy.js");
        return legacyStatus({ project, targets: names ?? [], json });
      })(options),
    );

  changing(targets(legacy.command("start")))
    .description("start what is stopped and wait until it answers; never asks")
    .action((names: readonly RoutedTargetName[] | undefined, options: Flags) =>
      run(async (project, { json = false, dryRun = false, yes = false }, signal) => {
        const { startLegacy } = await import("./legacy.js");
        return startLegacy({ project, targets: names ?? [], json, dryRun, yes, signal });
      })(options),
    );

  changing(targets(legacy.command("stop")))
    .description("stop what is retired; refused while legacy has traffic or is the way back")
    .action((names: readonly RoutedTargetName[] | undefined, options: Flags) =>
      run(async (project, { json = false, dryRun = false, yes = false }, signal) => {
        const { stopLegacy } = await import("./legacy.js");
        return stopLegacy({ project, targets: names ?? [], json, dryRun, yes, signal });
      })(options),
    );
}
