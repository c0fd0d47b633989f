import { type Command, InvalidArgumentError, Option } from "commander";
import type { ExitCode } from "./exitCodes";
import { type Project, type ProjectOptions, UsageError, findProject } from "./project";

interface GuardFlags extends ProjectOptions {
  readonly json?: boolean;
  readonly dryRun?: string;
  readonly host: string;
  readonly port: number;
  readonly alertTokenFile?: string;
  readonly reportTokenFile?: string;
  readonly chatUrlFile?: string;
  readonly prometheus?: URL;
  readonly repository?: string;
  readonly githubApi: URL;
  readonly githubTokenFile?: string;
  readonly lease?: Readonly<Record<"namespace" | "name", string>>;
  readonly scale: number;
}

/** What the command line gives to it. */
export interface CommandTools {
  readonly common: (command: Command) => Command;
  readonly done: (code: ExitCode) => void;
  readonly serve: (work: (signal: AbortSignal) => Promise<ExitCode>) => Promise<ExitCode>;
}

/** `cutover guard` */
export function addGuardCommand(program: Command, { common, done, serve }: CommandTools): void {
  const option = (flags: string, text: string, variable: string): Option =>
    new Option(flags, text).env(variable);
  common(program.command("guard"))
    .description("take Alertmanager's webhook and roll back by itself, until interrupted")
    .option("--dry-run <incident>", "say what would be done about a recorded incident, and serve nothing")
    .addOption(option("--host <address>", "where it listens", "GUARD_HOST").default("127.0.0.1"))
    .addOption(
      option("--port <port>", "0: any that is free", "GUARD_PORT").argParser(parsePort).default(9120),
    )
    .addOption(option("--alert-token-file <file>", "what Alertmanager shows", "GUARD_ALERT_TOKEN_FILE"))
    .addOption(
      option("--report-token-file <file>", "what those show who report issues", "GUARD_REPORT_TOKEN_FILE"),
    )
    .addOption(option("--chat-url-file <file>", "the URL of a chat's webhook", "GUARD_CHAT_URL_FILE"))
    .addOption(
      option("--prometheus <url>", "where alerts are checked", "GUARD_PROMETHEUS").argParser(parseUrl),
    )
    .addOption(
      option(
        "--repository <owner/name>",
        "on GitHub, whose rollback workflow records (default: this checkout does)",
        "GUARD_REPOSITORY",
      ).argParser(parseRepository),
    )
    .addOption(
      option("--github-api <url>", "GitHub's REST API", "GUARD_GITHUB_API")
        .argParser(parseUrl)
        .default(new URL("https://api.github.com"), "https://api.github.com"),
    )
    .addOption(option("--github-token-file <file>", "may run that workflow", "GUARD_GITHUB_TOKEN_FILE"))
    .addOption(
      option("--lease <namespace/name>", "of several guards, whoever has it acts", "GUARD_LEASE").argParser(
        parseLease,
      ),
    )
    .addOption(
      option("--scale <factor>", "by which all durations are multiplied; for tests", "GUARD_SCALE")
        .argParser(parseScale)
        .default(1),
    )
    .action(async (flags: GuardFlags) => {
      if (flags.dryRun !== undefined) {
        const { dryRun } = await import("../guard/dryRun.js");
        done(dryRun(flags.dryRun, flags.json === true));
        return;
      }
      const options = guardOptions(findProject(flags), flags);
      const code = await serve(async (signal) => {
        const { serveGuard } = await import("../guard/serve.js");
        return serveGuard({ ...options, signal });
      });
      done(code);
    });
}

/** @throws UsageError with all that is missing */
function guardOptions(project: Project, flags: GuardFlags) {
  const { host, port, alertTokenFile, reportTokenFile, chatUrlFile, prometheus, lease, scale } = flags;
  const { repository, githubApi: api, githubTokenFile: tokenFile } = flags;
  const dispatch =
    repository === undefined || tokenFile === undefined ? undefined : { api, repository, tokenFile };
  const problems = [
    ...(alertTokenFile === undefined ? ["found no --alert-token-file, expected one"] : []),
    ...(reportTokenFile === undefined ? ["found no --report-token-file, expected one"] : []),
    ...(repository !== undefined && tokenFile === undefined
      ? ["found --repository without --github-token-file, expected both"]
      : []),
  ];
  if (alertTokenFile === undefined || reportTokenFile === undefined || problems.length > 0) {
    throw new UsageError(problems.join("\n"));
  }
  return {
    project,
    host,
    port,
    alertTokenFile,
    reportTokenFile,
    ...(chatUrlFile !== undefined && { chatUrlFile }),
    ...(prometheus && { prometheus }),
    ...(dispatch && { dispatch }),
    ...(lease && { lease }),
    scale,
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError("expected a port from 0 to 65535");
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "")
    return url;
  throw new InvalidArgumentError("expected an http or https URL without credentials");
}

function parseRepository(text: string): string {
  if (/^[\w.-]+\/[\w.-]+$/.test(text)) return text;
  throw new InvalidArgumentError("expected owner/name");
}

function parseLease(text: string): { namespace: string; name: string } {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw new InvalidArgumentError("expected namespace/name");
}

function parseScale(text: string): number {
  const scale = Number(text);
  if (scale > 0 && scale <= 1) return scale;
  throw new InvalidArgumentError("expected a number above 0, at most 1");
}
