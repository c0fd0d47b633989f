import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { readLiveRoutes } from "../cluster/liveRoutes";
import type { StackConfig } from "../config/parse";
import { type Monorepo, findContainers } from "../monorepo/containers";
import { type Container, Daemon } from "../monorepo/daemon";
import { type StartResult, startAll, unreadiness } from "../monorepo/startAll";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { stillNeeded } from "./legacyNeeded";
import { type Project, UsageError, readWanted } from "./project";
import { Refused } from "./refused";
import { Report } from "./report";
import { reason } from "../cluster/thrown";

export interface LegacyOptions {
  readonly project: Project;
  /** @default all with a route */
  readonly targets: readonly RoutedTargetName[];
  readonly json: boolean;
}

export interface LegacyChangeOptions extends LegacyOptions {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Which of the monorepo's containers run, and whether they answer. */
export async function legacyStatus({ project, targets, json }: LegacyOptions): Promise<ExitCode> {
  const { monorepo, config } = wanted(project);
  const containers = await findContainers(monorepo);
  const found = await Promise.all(
    chosen(targets).map(async (target) => {
      const container = containers.get(target);
      const problem = await unreadiness(catalogEntry(target), config.platform.legacyHost);
      return {
        target,
        container: monorepo.containers[target],
        state: container?.state ?? "missing",
        image: container?.image ?? null,
        ready: problem === undefined,
        problem: problem ?? null,
      };
    }),
  );
  const lines = found.map(
    ({ target, container, state, problem }) =>
      `${target.padEnd(nameWidth)}  ${state.padEnd(stateWidth)}  ${container}${problem === null ? "" : `: ${problem}`}`,
  );
  new Report({ json }).result(lines.join("\n"), { project: monorepo.project, targets: found });
  return exitCodes.done;
}

/** Starts what is stopped, all at once, and waits until it answers; never asks, because users may be waiting. */
export async function startLegacy(options: LegacyChangeOptions): Promise<ExitCode> {
  const { project, json, dryRun, signal } = options;
  const { monorepo, config } = wanted(project);
  const targets = chosen(options.targets);
  const report = new Report({ json });
  if (dryRun) {
    const containers = await findContainers(monorepo);
    const missing = targets.filter((target) => !containers.has(target));
    for (const target of missing)
      report.problem(`${target}: found no container ${monorepo.containers[target]}`);
    const stopped = targets.filter((target) => (containers.get(target)?.state ?? "running") !== "running");
    const names = stopped.map((target) => monorepo.containers[target]);
    const words = names.length === 0 ? "Nothing is stopped." : `Would start ${names.join(", ")}.`;
    report.result(`${words} Nothing was changed.`, { targets: stopped, missing });
    return exitCodes.done;
  }
  const { legacyHost, readyWithinSeconds: withinSeconds } = config.platform;
  const onResult = (result: StartResult): void => {
    const text = `${result.target}: ${result.container} ${wordsFor(result)}`;
    if (result.outcome === "failed") report.problem(text);
    else report.step(text);
  };
  const results = await startAll({ monorepo, legacyHost, targets, withinSeconds, onResult, signal });
  const ready = results.filter(({ outcome }) => outcome !== "failed").length;
  report.result(`${ready} of ${results.length} answer, of ${withinSeconds} s that they have.`, {
    withinSeconds,
    targets: results,
  });
  return ready === results.length ? exitCodes.done : exitCodes.failed;
}

/**
 * Stops the containers of targets whose legacy is retired, in file and cluster alike.
 * @throws Refused with each target whose legacy may still be needed; then nothing was stopped
 */
export async function stopLegacy(options: LegacyChangeOptions): Promise<ExitCode> {
  const { project, json, dryRun, yes, signal } = options;
  const { monorepo, config } = wanted(project);
  const targets = chosen(options.targets);
  const report = new Report({ json });
  const api = await KubeApi.connect(config.platform);
  const [live, containers] = await Promise.all([
    readLiveRoutes(api, config.platform.namespace),
    findContainers(monorepo),
  ]);
  const needed = targets.flatMap((target) => stillNeeded(target, live.get(target), config) ?? []);
  if (needed.length > 0) {
    throw new Refused(
      ["Legacy is still needed; nothing was stopped.", ...needed.map((line) => `  ${line}`)].join("\n"),
    );
  }
  const running = targets.flatMap((target) => {
    const container = containers.get(target);
    return container?.state === "running" ? [{ target, container }] : [];
  });
  const names = running.map(({ container }) => container.name).join(", ");
  if (running.length === 0 || dryRun) {
    const words = running.length === 0 ? "Nothing of it runs." : `Would stop ${names}.`;
    report.result(`${words} Nothing was changed.`, { targets: running.map(({ target }) => target) });
    return exitCodes.done;
  }
  if (!(await confirm(`Stop ${names}?`, yes, signal))) {
    report.result("Nothing was changed.", { targets: [] });
    return exitCodes.refused;
  }
  const stopped = await stopEach(new Daemon(monorepo.daemon), running, report);
  report.result(`${stopped.length} stopped. Undo it with: cutover legacy start ${stopped.join(" ")}`, {
    targets: stopped,
    problems: report.problems,
  });
  return stopped.length === running.length ? exitCodes.done : exitCodes.failed;
}

const nameWidth = Math.max(...routedTargets.map(({ length }) => length));
const stateWidth = "restarting".length;

/** @throws UsageError when the stack has no monorepo, or ConfigError */
function wanted(project: Project): { readonly config: StackConfig; readonly monorepo: Monorepo } {
  const config = readWanted(project);
  if (config.monorepo === undefined) {
    throw new UsageError(
      `found no pyairtable:monorepo in ${project.configFile}, expected the compose project's host and name: docs/adopt.md`,
    );
  }
  return { config, monorepo: config.monorepo };
}

function chosen(targets: readonly RoutedTargetName[]): readonly RoutedTargetName[] {
  return targets.length === 0 ? routedTargets : routedTargets.filter((target) => targets.includes(target));
}

function wordsFor({ outcome, seconds, problem }: StartResult): string {
  if (problem !== undefined) return `failed: ${problem}`;
  return outcome === "started"
    ? `started, answers after ${seconds.toFixed(1)} s`
    : "was running, and answers";
}

interface Running {
  readonly target: RoutedTargetName;
  readonly container: Container;
}

/** @returns those that were stopped */
async function stopEach(
  daemon: Daemon,
  running: readonly Running[],
  report: Report,
): Promise<readonly RoutedTargetName[]> {
  const outcomes = await Promise.all(
    running.map(async ({ target, container }) => {
      try {
        await daemon.stop(container);
        report.step(`${target}: ${container.name} stopped`);
        return [target];
      } catch (error) {
        report.problem(`${target}: ${reason(error)}`);
        return [];
      }
    }),
  );
  return outcomes.flat();
}
