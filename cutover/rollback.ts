import type { RoutedTargetName } from "../catalog";
import { KubeApi, UnreachableError } from "../cluster/kubeApi";
import { ClusterError } from "../cluster/liveRoutes";
import { proveSplit } from "../cluster/proof";
import { hostnameOf } from "../cluster/names";
import { setTraffic } from "../config/edit";
import type { StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";
import { type LiveRoute, formatSplit, isTampered, splitHash } from "../migration";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type WayBack, findWayBack, takeWayBack } from "./fastRoad";
import { Journal } from "./journal";
import { type Project, readWanted } from "./project";
import { Report } from "./report";
import { RouteHold } from "./routeHold";
import { reason } from "./thrown";

export interface RollbackOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Ends the update that records it, in order; never what comes before. */
  readonly signal: AbortSignal;
}

/** How long the API server may take before the user is told, in milliseconds. */
const patience = 2000;

/** What `rollback --json` prints. */
interface RollbackResult {
  readonly target: RoutedTargetName;
  readonly from: string;
  readonly to: string;
  /** The moment at which the route was written, in milliseconds since 1970; null if it was there already. */
  readonly routeWrittenAt: number | null;
  /** Whether git and the stack's state say so too. */
  readonly recorded: boolean;
  readonly steps: Report["steps"];
  readonly problems: Report["problems"];
}

/**
 * The fast road: first the route, then the record. Loads nothing before the route is written that it doesn't need.
 * @throws NoWayBackError, UnreachableError or ClusterError: then no traffic was moved
 */
export async function rollback(target: RoutedTargetName, options: RollbackOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const report = new Report({ json });
  const config = await wantedOrCommitted(project, report);
  const api = await KubeApi.connect(config.platform);
  const finding = findWayBack(api, config, target).catch(sayNothingMoved);
  const slow = setTimeout(
    () => report.note(`cluster ${api.name} hasn't answered yet; asking again`),
    patience,
  );
  const way = await unlessAborted(finding, signal).finally(() => clearTimeout(slow));
  const [from, to] = [liveText(way.live), formatSplit(way.split)];
  report.step(`${target}: ${from} -> ${to}; ${way.standby.detail}`);
  if (dryRun) {
    report.result(`${target} would go from ${from} to ${to}. Nothing was changed.`, { target, from, to });
    return exitCodes.done;
  }

  const journal = Journal.for(project.configFile, project.stack);
  const unnoted = journal?.begin({ command: "rollback", target, split: way.split, from }, new Date());
  if (unnoted !== undefined) report.problem(unnoted);
  const routeWrittenAt = way.isThere ? null : await moveTraffic(api, config, way, report);

  const recorded = await record(api, config, way, { project, signal, report });
  if (recorded) journal?.end();
  const result: RollbackResult = {
    target,
    from,
    to,
    routeWrittenAt,
    recorded,
    steps: report.steps,
    problems: report.problems,
  };
  report.result(resultText(result), result);
  return recorded ? exitCodes.done : exitCodes.notRecorded;
}

async function moveTraffic(api: KubeApi, config: StackConfig, way: WayBack, report: Report): Promise<number> {
  await takeWayBack(api, way);
  const writtenAt = Date.now();
  report.step("route written");
  const { proxies, domain } = config.platform;
  const { name } = way.target;
  try {
    const routeHash = splitHash(name, way.split);
    await proveSplit(api, { proxies, hostname: hostnameOf(name, domain), routeHash });
    report.step("traffic is back: every replica of the proxy serves the route");
  } catch (error) {
    report.problem(reason(error));
  }
  return writtenAt;
}

/** Brings a target's traffic back now, and records nothing. */
export async function takeFastRoad(
  api: KubeApi,
  config: StackConfig,
  target: RoutedTargetName,
  report: Report,
): Promise<void> {
  const way = await findWayBack(api, config, target);
  if (!way.isThere) await moveTraffic(api, config, way, report);
}

/** From here on nothing is urgent any more: commit, update, verify, mark, push. @returns whether all of it worked */
async function record(
  api: KubeApi,
  config: StackConfig,
  { target: { name }, split }: WayBack,
  { project, signal, report }: { project: Project; signal: AbortSignal; report: Report },
): Promise<boolean> {
  const hold = new RouteHold({ api, config, target: name, split, onTaken: (text) => report.note(text) });
  try {
    const { recordRollback } = await import("./recordRollback.js");
    const edit = (text: string): string => setTraffic(text, name, split);
    const message = `${name}: rollback to ${formatSplit(split)}`;
    return await recordRollback({ project, api, edit, message, signal, report });
  } catch (error) {
    report.problem(reason(error));
    return false;
  } finally {
    await hold.stop();
  }
}

/** What its reader wants to know first. */
function sayNothingMoved(error: unknown): never {
  const options = { cause: error };
  if (error instanceof UnreachableError) {
    throw new UnreachableError(`no traffic was moved: ${error.message}`, options);
  }
  if (error instanceof ClusterError)
    throw new ClusterError(`no traffic was moved: ${error.message}`, options);
  throw error;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}

/** The stack file as it is, or as it was committed when somebody is in the middle of an edit. */
async function wantedOrCommitted(project: Project, report: Report): Promise<StackConfig> {
  try {
    return readWanted(project);
  } catch (error) {
    const { Repository } = await import("./repository.js");
    const committed = await Repository.containing(project.configFile)
      .then(async (repository) => parseStackFile(await repository.committed()))
      .catch(() => undefined);
    if (committed === undefined) throw error;
    report.problem(
      `${project.configFile} can't be read as it is, so what is committed counts. ${reason(error)}`,
    );
    return committed;
  }
}

function liveText(live: LiveRoute | undefined): string {
  if (live === undefined) return "no route";
  return isTampered(live) ? `a route that was changed by hand (${live.tampered})` : formatSplit(live.split);
}

function resultText({ target, to, recorded }: RollbackResult): string {
  if (recorded) return `${target} is back at ${to}: route, git and state agree.`;
  return `${target}'s traffic is back at ${to}, but this is not recorded yet. Finish it with: cutover resume`;
}
