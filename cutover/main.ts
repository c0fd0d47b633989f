import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type RoutedTargetName, type TargetName, routedTargets, targetNames } from "../catalog/types";
import { Interrupted, interruptible } from "../tools/interrupt";
import { COLORS, type Color } from "../migration/split";
import { type Level, levels } from "./budget";
import { type ExitCode, exitCodes } from "./exitCodes";
import { addGuardCommand } from "./guardCommand";
import { addLegacyCommand } from "./legacyCommand";
import { addMigrateCommand } from "./migrateCommand";
import { type Project, type ProjectOptions, UsageError, findProject } from "./project";
import type { Direction } from "./reconcile";
import { reason } from "../cluster/thrown";
import { addRestoreCommands } from "./restoreCommand";

interface CommonOptions extends ProjectOptions {
  readonly json?: boolean;
}

interface ChangeOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface UpdateFlags extends ChangeOptions {
  readonly refresh?: boolean;
}

interface RollbackFlags extends ChangeOptions {
  readonly level: Level;
  readonly to?: string;
  readonly confirm?: string;
  readonly keepTraffic?: boolean;
  readonly because?: string;
}

type Switches = Readonly<Record<"json" | "dryRun" | "yes", boolean>>;

interface AdvanceFlags extends ChangeOptions {
  readonly to?: Color;
  readonly weight?: number;
}

interface BaselineFlags extends ChangeOptions {
  /** In milliseconds. */
  readonly over?: number;
}

interface PinFlags extends ChangeOptions {
  readonly color?: Color;
}

interface ReadOnlyFlags extends ChangeOptions {
  readonly off?: boolean;
  readonly because?: string;
}

interface ReconcileFlags extends ChangeOptions {
  readonly to?: Direction;
}

interface HistoryFlags extends CommonOptions {
  readonly since?: Date;
  readonly limit?: number;
}

interface ReportFlags extends CommonOptions {
  readonly week?: number;
  readonly day?: boolean;
  readonly date?: Date;
  readonly start?: Date;
  readonly repositories?: number;
}

type Work<O> = (project: Project, options: O, signal: AbortSignal) => Promise<ExitCode>;

/** Each command is loaded when it is asked for: a rollback has no time for the others. */
function cutoverCommand(done: (code: ExitCode) => void): Command {
  const program = new Command("cutover")
    .description("Moves traffic of PyAirtable's services between the monorepo and their releases, and back.")
    .exitOverride()
    .showHelpAfterError("(see cutover --help)")
    .addHelpText("after", examples);

  const run =
    <O extends CommonOptions>(work: Work<O>) =>
    async (options: O): Promise<void> => {
      const project = findProject(options);
      done(await interruptible((signal) => work(project, options, signal)));
    };

  common(program.command("status"))
    .description("where every target stands, and what holds its next step back")
    .option("--watch", "go on looking until interrupted")
    .action(
      run<CommonOptions & { readonly watch?: boolean }>(
        async (project, { json = false, watch = false }, signal) => {
          const { status } = await import("./status.js");
          return status({ project, json, watch, signal });
        },
      ),
    );

  common(program.command("plan"))
    .description("every step from here to all extracted")
    .option("--markdown", "as Markdown")
    .action(
      run<CommonOptions & { readonly markdown?: boolean }>(
        async (project, { json = false, markdown = false }) => {
          const { plan } = await import("./plan.js");
          return plan({ project, json, markdown });
        },
      ),
    );

  common(program.command("soak"))
    .description("what is measured of the color that is on its way, and whether that lets it have more")
    .argument("[target]", targetHelp, parseTarget)
    .option("--watch", "go on looking until interrupted")
    .action((target: RoutedTargetName | undefined, options: CommonOptions & { readonly watch?: boolean }) =>
      run<typeof options>(async (project, { json = false, watch = false }, signal) => {
        const { soak } = await import("./soak.js");
        return soak({ project, ...(target && { target }), json, watch, signal });
      })(options),
    );

  changing(program.command("baseline"))
    .description("measure legacy, write what it does into the stack file, and commit it")
    .argument("<target>", targetHelp, parseTarget)
    .option("--over <duration>", "how far back to measure: 90s, 30m, 24h (default: 1h)", parseDuration)
    .action((target: RoutedTargetName, options: BaselineFlags) =>
      run<BaselineFlags>(async (project, { over = 3_600_000, ...flags }, signal) => {
        const { baseline } = await import("./baseline.js");
        return baseline(target, { project, overMs: over, ...switches(flags), signal });
      })(options),
    );

  common(program.command("checklist"))
    .description("the plan's checklists of a target, ticked where a fact proves it")
    .argument("<target>", anyTargetHelp, parseAnyTarget)
    .option("--markdown", "as Markdown")
    .action((target: TargetName, options: CommonOptions & { readonly markdown?: boolean }) =>
      run<typeof options>(async (project, { json = false, markdown = false }) => {
        const { checklist } = await import("./checklist.js");
        return checklist(target, { project, json, markdown });
      })(options),
    );

  common(program.command("history"))
    .description("every transition, newest first: when, who, from where to where, and what became of it")
    .argument("[target]", anyTargetHelp, parseAnyTarget)
    .option("--since <date>", "leave out what is older", parseDate)
    .option("--limit <count>", "how many at most", parseCount)
    .action((target: TargetName | undefined, options: HistoryFlags) =>
      run<HistoryFlags>(async (project, { json = false, since, limit }) => {
        const { history } = await import("./history.js");
        const asked = {
          ...(target && { target }),
          ...(since && { since }),
          ...(limit !== undefined && { limit }),
        };
        return history({ project, json, ...asked });
      })(options),
    );

  common(program.command("report"))
    .description("the plan's weekly report, or a standup's status, as Markdown")
    .option("--week <number>", "of this week of the migration, from 1", parseCount)
    .option("--day", "of this day")
    .option("--date <date>", "with --day: of that day (default: today, in UTC)", parseDate)
    .option("--start <date>", "the migration's first day (default: the stack file's first commit)", parseDate)
    .option("--repositories <count>", "how many repositories there are, as somebody counted", parseCount)
    .action(
      run<ReportFlags>(async (project, { json = false, start, repositories, ...flags }) => {
        const { progressReport } = await import("./progressReport.js");
        const known = { ...(start && { start }), ...(repositories !== undefined && { repositories }) };
        return progressReport({ project, json, period: periodOf(flags), ...known });
      }),
    );

  common(program.command("matrix"))
    .description(
      "what each target runs, and what it depends on; from the file alone where no cluster answers",
    )
    .option("--markdown", "as Markdown")
    .action(
      run<CommonOptions & { readonly markdown?: boolean }>(
        async (project, { json = false, markdown = false }) => {
          const { matrix } = await import("./matrix.js");
          return matrix({ project, json, markdown });
        },
      ),
    );

  changing(program.command("advance"))
    .description("take a target's next step: edit, commit, update, verify, tag")
    .argument("<target>", targetHelp, parseTarget)
    .option("--to <color>", "who gets the traffic (default: the candidate)", parseColor)
    .option("--weight <percent>", "how much (default: the plan's next)", parseWeight)
    .action((target: RoutedTargetName, options: AdvanceFlags) =>
      run<AdvanceFlags>(async (project, { to, weight, ...flags }, signal) => {
        const { advance } = await import("./advance.js");
        const asked = { ...(to && { to }), ...(weight !== undefined && { weight }) };
        return advance(target, { project, ...asked, ...switches(flags), signal });
      })(options),
    );

  changing(program.command("pin"))
    .description("write the digest of a tag into the stack file, and commit it; the next update rolls it out")
    .argument("<target>", targetHelp, parseTarget)
    .argument("<tag>", "of the target's image, in its registry", parseTag)
    .option("--color <color>", "where it goes (default: the colour that is free)", parseColor)
    .action((target: RoutedTargetName, tag: string, options: PinFlags) =>
      run<PinFlags>(async (project, { color, ...flags }, signal) => {
        const { pin } = await import("./pin.js");
        return pin(target, tag, { project, ...(color && { color }), ...switches(flags), signal });
      })(options),
    );

  changing(program.command("update"))
    .description("make the stack what the committed file says: rules, policies, update, verify, tag")
    .option("--refresh", "look first at what really exists")
    .action(
      run<UpdateFlags>(async (project, { refresh = false, ...flags }, signal) => {
        const { update } = await import("./update.js");
        return update({ project, refresh, ...switches(flags), signal });
      }),
    );

  changing(program.command("rollback"))
    .description(
      "bring traffic back: route first, then commit, update, verify, tag; of one target (level 1) it never asks",
    )
    .argument("[target]", `for level 1: ${targetHelp}`, parseTarget)
    .addOption(
      new Option("--level <level>", "1: a target; 2: files and workflows to a good state; 3: all to legacy")
        .argParser(parseLevel)
        .default(1),
    )
    .option("--to <tag>", "for level 2: which good state (default: the newest that differs)")
    .option("--confirm <stack>", "for level 3: the stack's name, in place of typing it")
    .option("--keep-traffic", "for level 2: only to a good state that leaves all traffic where it is now")
    .option("--because <text>", "for levels 1 and 2: why, for the commit's message", parseLine)
    .action((target: RoutedTargetName | undefined, options: RollbackFlags) =>
      run<RollbackFlags>(async (project, flags, signal) => rollbackOf(target, flags, project, signal))(
        options,
      ),
    );

  changing(program.command("read-only"))
    .description("let no backend of a target write to its database any more, or again")
    .argument("<target>", targetHelp, parseTarget)
    .option("--off", "let them write again")
    .option("--because <text>", "why, for the commit's message", parseLine)
    .action((target: RoutedTargetName, options: ReadOnlyFlags) =>
      run<ReadOnlyFlags>(async (project, { off = false, because, ...flags }, signal) => {
        const { readOnly } = await import("./readOnly.js");
        const why = because === undefined ? {} : { because };
        return readOnly(target, { project, off, ...why, ...switches(flags), signal });
      })(options),
    );

  changing(program.command("resume"))
    .description("find what was interrupted, say whose it was, and finish it")
    .action(
      run<ChangeOptions>(async (project, flags, signal) => {
        const { resume } = await import("./resume.js");
        return resume({ project, ...switches(flags), signal });
      }),
    );

  changing(program.command("reconcile"))
    .description("show where file, state and cluster differ, and resolve it in a named direction")
    .argument("[target]", targetHelp, parseTarget)
    .option("--to <side>", "which side holds: file or cluster (default: only show)", parseDirection)
    .action((target: RoutedTargetName | undefined, options: ReconcileFlags) =>
      run<ReconcileFlags>(async (project, { to, ...flags }, signal) => {
        const { reconcile } = await import("./reconcile.js");
        return reconcile({
          project,
          ...(target && { target }),
          ...(to && { to }),
          ...switches(flags),
          signal,
        });
      })(options),
    );

  changing(program.command("bootstrap"))
    .description("make what holds the stack's state, before there is a stack: keys, bucket, stack")
    .action(
      run<ChangeOptions>(async (project, flags, signal) => {
        const { bootstrap } = await import("./bootstrap.js");
        return bootstrap({ project, ...switches(flags), signal });
      }),
    );
  addGuardCommand(program, { common, done, serve: interruptible });
  const tools = { common, changing, run, parseTarget, targetHelp };
  addMigrateCommand(program, tools);
  addLegacyCommand(program, tools);
  addRestoreCommands(program, tools);

  return program;
}

/** @throws UsageError for what doesn't belong to the level */
async function rollbackOf(
  target: RoutedTargetName | undefined,
  flags: RollbackFlags,
  project: Project,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { level, to, confirm, keepTraffic = false, because } = flags;
  const { json, dryRun, yes } = switches(flags);
  if (level === 1 && target === undefined) throw new UsageError(`found no target, expected ${targetHelp}`);
  if (level !== 1 && target !== undefined) {
    throw new UsageError(`found ${target}, expected no target: level ${level} is of the whole stack`);
  }
  if (level !== 2 && to !== undefined) throw new UsageError(`found --to at level ${level}, expected it at 2`);
  if (level !== 2 && keepTraffic) {
    throw new UsageError(`found --keep-traffic at level ${level}, expected it at 2`);
  }
  if (keepTraffic && to !== undefined) {
    throw new UsageError("found --keep-traffic with --to, expected one of them: the tag says where it goes");
  }
  if (level === 3 && because !== undefined) {
    throw new UsageError("found --because at level 3, expected it at 1 or 2");
  }
  const why = because === undefined ? {} : { because };
  if (level !== 3 && confirm !== undefined) {
    throw new UsageError(`found --confirm at level ${level}, expected it at 3`);
  }
  if (target !== undefined) {
    const { rollback } = await import("./rollback.js");
    return rollback(target, { project, json, dryRun, ...why, signal });
  }
  if (level === 2) {
    const { rollbackFiles } = await import("./rollbackFiles.js");
    return rollbackFiles({
      project,
      ...(to !== undefined && { to }),
      keepTraffic,
      ...why,
      json,
      dryRun,
      yes,
      signal,
    });
  }
  const { rollbackAll } = await import("./rollbackAll.js");
  return rollbackAll({ project, ...(confirm !== undefined && { confirm }), json, dryRun, signal });
}

const targetHelp = `one of ${routedTargets.join(", ")}`;

const anyTargetHelp = `one of ${targetNames.join(", ")}`;

const examples = `
Examples:
  $ cutover status                         where every target stands, and what holds its next step back
  $ cutover advance frontend               the next step: 10 %, 50 %, 100 %, then retire legacy
  $ cutover rollback frontend              back at once
  $ cutover pin frontend 1.4.2             the digest of that tag, for the next release
  $ cutover read-only auth-service         nothing is written to its database until --off
  $ cutover restore auth-service --to 2025-08-11T09:00:00Z   its data as it was then, in a database beside it
  $ cutover rollback --level 3             all traffic to the monorepo
  $ cutover update                         make the stack what the committed file says
  $ cutover resume                         finish what was interrupted

Exit codes: 0 done, 1 failed, 2 can't be understood, 3 refused by the rules, 4 traffic moved but not recorded,
5 somebody else's update is running, 6 too little is measured to go on, 130 interrupted.`;

function common(command: Command): Command {
  return command
    .option("-s, --stack <name>", "the stack (default: PULUMI_STACK)")
    .option("--config-file <file>", "the stack file (default: Pulumi.<stack>.yaml)")
    .option("--json", "the result as JSON on stdout, and no words");
}

function changing(command: Command): Command {
  return common(command)
    .option("--dry-run", "say what would be done, and change nothing")
    .option("-y, --yes", "don't ask");
}

function switches({ json = false, dryRun = false, yes = false }: ChangeOptions): Switches {
  return { json, dryRun, yes };
}

function parseColor(text: string): Color {
  return oneOf(COLORS, text);
}

function parseTag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError("expected a tag: letters, digits, _ . and -, at most 128");
}

/** What stands in one line of a commit's message. */
function parseLine(text: string): string {
  if (/^[^\p{Cc}]{1,200}$/u.test(text)) return text;
  throw new InvalidArgumentError("expected one line of 1 to 200 characters");
}

function parseDirection(text: string): Direction {
  return oneOf(["file", "cluster"], text);
}

function parseLevel(text: string): Level {
  const level = levels.find((each) => String(each) === text);
  if (level === undefined) throw new InvalidArgumentError(`expected one of ${levels.join(", ")}`);
  return level;
}

function parseWeight(text: string): number {
  const weight = Number(text);
  if (Number.isInteger(weight) && weight >= 1 && weight <= 100) return weight;
  throw new InvalidArgumentError("expected a whole number of percent from 1 to 100");
}

function parseTarget(text: string): RoutedTargetName {
  return oneOf(routedTargets, text);
}

function parseAnyTarget(text: string): TargetName {
  return oneOf(targetNames, text);
}

/** Without a time of day, the day's first moment in UTC; a time must say its zone. */
function parseDate(text: string): Date {
  const date = new Date(text);
  const isDate = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text) && !Number.isNaN(date.getTime());
  // Date takes 2025-02-30 for the 2nd of March.
  if (isDate && (text.length > 10 || date.toISOString().startsWith(text))) return date;
  throw new InvalidArgumentError("expected a date (2025-08-11) or a time (2025-08-11T09:00:00Z)");
}

function parseDuration(text: string): number {
  const [, count, unit = ""] = /^([1-9]\d{0,5})(s|m|h|d)$/.exec(text) ?? [];
  const length = new Map([
    ["s", 1_000],
    ["m", 60_000],
    ["h", 3_600_000],
    ["d", 86_400_000],
  ]).get(unit);
  if (count === undefined || length === undefined) {
    throw new InvalidArgumentError("expected a duration: 90s, 30m, 24h or 2d");
  }
  return Number(count) * length;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("expected a whole number of 1 or more");
}

function periodOf({ week, day = false, date }: ReportFlags): { week: number } | { day: Date } {
  if (week !== undefined && !day && date === undefined) return { week };
  if (day && week === undefined) return { day: date ?? new Date() };
  throw new UsageError("expected --week NUMBER, or --day with or without --date");
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw new InvalidArgumentError(`expected one of ${known.join(", ")}`);
  return found;
}

/** What a user can mend, by its own name; anything else is shown with its stack. */
const expectedErrors: Readonly<Record<string, ExitCode>> = {
  UsageError: exitCodes.usage,
  StackFileError: exitCodes.usage,
  ConfigError: exitCodes.usage,
  KubeconfigError: exitCodes.usage,
  Refused: exitCodes.refused,
  Held: exitCodes.held,
  NoWayBackError: exitCodes.failed,
  UnreachableError: exitCodes.failed,
  ClusterError: exitCodes.failed,
  DatabaseError: exitCodes.failed,
  DaemonError: exitCodes.failed,
  GitError: exitCodes.failed,
  RegistryError: exitCodes.failed,
  StateError: exitCodes.failed,
  UpdateFailed: exitCodes.failed,
  PolicyViolated: exitCodes.refused,
  StackLocked: exitCodes.locked,
};

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.done;
  try {
    await cutoverCommand((result) => (code = result)).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof Interrupted) return error.exitCode;
    const expected = error instanceof Error ? expectedErrors[error.name] : undefined;
    const text = expected === undefined && error instanceof Error ? error.stack : undefined;
    process.stderr.write(`${text ?? reason(error)}\n`);
    return expected ?? exitCodes.failed;
  }
}
