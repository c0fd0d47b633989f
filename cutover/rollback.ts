import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { proveSplit } from "../cluster/proof";
import { hostnameOf } from "../cluster/names";
import { setTraffic } from "../config/edit";
import type { StackConfig } from "../config/parse";
import { formatSplit, splitHash } from "../migration";
import { beforeMove } from "./beforeMove";
import { budgetMinutes, budgetText, isWithinBudget } from "./budget";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type WayBack, findWayBack, liveText, takeWayBack } from "./fastRoad";
import { Journal } from "./journal";
import type { Project } from "./project";
import { Report } from "./report";
import { RouteHold } from "./routeHold";
import { reason } from "../cluster/thrown";
import { wantedOrCommitted } from "./wantedOrCommitted";

export interface RollbackOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Why, for the commit and the stack's history. @default not said */
  readonly because?: string;
  /** Ends the update that records it, in order; never what comes before. */
  readonly signal: AbortSignal;
}

/** What `rollback --json` prints. */
interface RollbackResult {
  readonly target: RoutedTargetName;
  readonly from: string;
  readonly to: string;
  /** The moment at which the route was written, in milliseconds since 1970; null if it was there already. */
  readonly routeWrittenAt: number | null;
  /** Whether git and the stack's state say so too. */
  readonly recorded: boolean;
  /** Whether it answers its users through the gateway, from where it is now. */
  readonly healthy: boolean;
  /** The plan's, for level 1. */
  readonly budgetMinutes: number;
  /** From the command's start. */
  readonly tookMs: number;
  readonly steps: Report["steps"];
  readonly problems: Report["problems"];
}

/**
 * The fast road: first the route, then the record. Loads nothing before the route is written that it doesn't need.
 * @throws NoWayBackError, UnreachableError or ClusterError: then no traffic was moved
 */
export async function rollback(target: RoutedTargetName, options: RollbackOptions): Promise<ExitCode> {
  const { project, json, dryRun, because, signal } = options;
  const report = new Report({ json, budgetMinutes: budgetMinutes[1] });
  const config = await wantedOrCommitted(project, report);
  const api = await KubeApi.connect(config.platform);
  const finding = findWayBack(api, config, target);
  const way = await beforeMove(finding, { api, report, signal });
  const [from, to] = [liveText(way.live), formatSplit(way.split)];
  report.step(`${target}: ${from} -> ${to}; ${way.standby.detail}`);
  if (dryRun) {
    report.result(`${target} would go from ${from} to ${to}. Nothing was changed.`, { target, from, to });
    return exitCodes.done;
  }

  const journal = Journal.for(project.configFile, project.stack);
  const unnoted = journal?.begin(
    { command: "rollback", target, split: way.split, from, ...(because !== undefined && { because }) },
    new Date(),
  );
  if (unnoted !== undefined) report.problem(unnoted);
  const routeWrittenAt = way.isThere ? null : await moveTraffic(api, config, way, report);

  const recorded = await record(api, config, way, {
    project,
    signal,
    report,
    ...(because !== undefined && { because }),
  });
  if (recorded) journal?.end();
  const { reportHealth } = await import("./health.js");
  const healthy = await reportHealth(api, config.platform, new Map([[target, way.split]]), report);
  const tookMs = Math.round(performance.now());
  if (isWithinBudget(1, tookMs)) report.note(budgetText(1, tookMs));
  else report.problem(budgetText(1, tookMs));
  const result: RollbackResult = {
    target,
    from,
    to,
    routeWrittenAt,
    recorded,
    healthy,
    budgetMinutes: budgetMinutes[1],
    tookMs,
    steps: report.steps,
    problems: report.problems,
  };
  report.result(resultText(result), result);
  if (!recorded) return exitCodes.notRecorded;
  return healthy ? exitCodes.done : exitCodes.failed;
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
  {
    project,
    signal,
    report,
    because,
  }: Pick<RollbackOptions, "project" | "signal" | "because"> & { report: Report },
): Promise<boolean> {
  const hold = new RouteHold({ api, config, target: name, split, onTaken: (text) => report.note(text) });
  try {
    const { recordRollback } = await import("./recordRollback.js");
    const edit = (text: string): string => setTraffic(text, name, split);
    const why = because === undefined ? "" : ` (${because})`;
    const message = `${name}: rollback to ${formatSplit(split)}${why}`;
    return await recordRollback({ project, api, edit, message, signal, report });
  } catch (error) {
    report.problem(reason(error));
    return false;
  } finally {
    await hold.stop();
  }
}

function resultText({ target, to, recorded, healthy }: RollbackResult): string {
  if (recorded && !healthy) return `${target} is back at ${to}, and that is recorded, but it isn't healthy.`;
  if (recorded) return `${target} is back at ${to}: route, git and state agree.`;
  return `${target}'s traffic is back at ${to}, but this is not recorded yet. Finish it with: cutover resume`;
}
