import type { Command } from "commander";
import type { RoutedTargetName } from "../catalog/types";
import type { ExitCode } from "./exitCodes";
import type { Project, ProjectOptions } from "./project";

/** The options that the commands with these tools share. */
export interface Flags extends ProjectOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** What the command line gives to its commands. */
export interface CommandTools {
  /** Adds the options of a command that only looks. */
  readonly common: (command: Command) => Command;
  /** Adds the options of a command that changes something. */
  readonly changing: (command: Command) => Command;
  readonly parseTarget: (text: string) => RoutedTargetName;
  readonly targetHelp: string;
  readonly run: (
    work: (project: Project, options: Flags, signal: AbortSignal) => Promise<ExitCode>,
  ) => (options: Flags) => Promise<void>;
}
