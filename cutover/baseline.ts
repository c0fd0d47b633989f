import type { RoutedTargetName } from "../catalog";
import { editStackFile } from "../config/edit";
import { formatLatency, formatShare, whatIsMissing } from "../evidence/judge";
import { type Measured, measure } from "../evidence/measure";
import { NoAnswer, Prometheus } from "../evidence/prometheus";
import { believed, formatTime } from "../migration";
import type { Baseline } from "../monitoring/baseline";
import { timingOf } from "../monitoring/timing";
import { requireCommitted } from "./committedFile";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type Project, UsageError } from "./project";
import { Held, Refused } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { type Survey, survey } from "./survey";

export interface BaselineOptions {
  readonly project: Project;
  /** How far back, in milliseconds. */
  readonly overMs: number;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Measures what legacy does, writes it into the stack file and commits it. Its alerts are made by the next update. */
export async function baseline(
  target: RoutedTargetName,
  { project, overMs, json, dryRun, yes, signal }: BaselineOptions,
): Promise<ExitCode> {
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const surveyed = await survey(project);
  for (const line of surveyed.head) report.note(line);
  const found = await baselineOfLegacy(target, surveyed, overMs);
  const { latencySeconds, errorRatio, requestsPerSecond, requests, measuredAt } = found;
  report.note(
    `legacy: ${formatLatency(latencySeconds)} per request, ${formatShare(errorRatio)} failed, ${requestsPerSecond} requests/s, of ${requests} requests`,
  );
  await requireCommitted(project, repository);
  const value = {
    latencySeconds,
    errorRatio,
    requestsPerSecond,
    requests,
    measuredAt: formatTime(measuredAt),
  };
  const result = { target, baseline: value };
  const asked = `Write this into ${project.configFile} and commit it?`;
  if (dryRun || !(await confirm(asked, yes, signal))) {
    report.result("Nothing was changed.", { ...result, done: false });
    return dryRun ? exitCodes.done : exitCodes.refused;
  }
  const edit = (text: string): string =>
    editStackFile(text, ["config", `pyairtable:${target}`, "baseline"], value);
  const commit = await repository.commit(
    edit,
    `${target}: legacy's baseline is ${formatLatency(latencySeconds)}`,
  );
  const id = commit?.id.slice(0, 9);
  if (id !== undefined) report.step(`committed ${id} ${commit?.summary ?? ""}`);
  report.result(
    `${target}: its alerts go by this baseline after the next update. Undo it with: git revert ${id ?? "HEAD"}`,
    { ...result, done: true, commit: commit?.id ?? null },
  );
  return exitCodes.done;
}

/**
 * The mean of all that legacy did.
 * @throws Refused if it has no traffic, Held if too little was measured
 */
export async function baselineOfLegacy(
  target: RoutedTargetName,
  surveyed: Surveyed,
  overMs: number,
): Promise<Baseline> {
  return baselineOf(target, await measureLegacy(target, surveyed, overMs), surveyed);
}

type Surveyed = Pick<Survey, "config" | "live" | "situation">;

async function measureLegacy(
  target: RoutedTargetName,
  { config, live, situation }: Surveyed,
  overMs: number,
): Promise<Measured> {
  const { monitoring } = config;
  if (monitoring === undefined) {
    throw new UsageError(
      "found no pyairtable:monitoring in the stack file, expected it: nothing is measured",
    );
  }
  const share = believed(live.get(target))?.split.legacy ?? 0;
  if (share === 0) {
    throw new Refused(
      `${target}: legacy has 0 % of the traffic, expected some: a baseline is measured before the cutover`,
    );
  }
  const timing = timingOf(monitoring.timeScale);
  const asked = { target, backend: "legacy", overMs, now: situation.at, timing } as const;
  try {
    return await measure(new Prometheus(monitoring.prometheus), asked);
  } catch (error) {
    if (error instanceof NoAnswer) throw new Held(`Prometheus ${error.message}; nothing was changed.`);
    throw error;
  }
}

function baselineOf(target: RoutedTargetName, measured: Measured, { config, situation }: Surveyed): Baseline {
  const missing = whatIsMissing(measured, timingOf(config.monitoring?.timeScale));
  const { errors, latency, requests, overMs } = measured;
  if (missing.length > 0 || errors === undefined || latency === undefined) {
    const lines = missing.map(({ found, expected }) => `  found ${found}, expected ${expected}`);
    throw new Held(`${target}: too little is known of legacy; nothing was changed.\n${lines.join("\n")}`);
  }
  return {
    latencySeconds: Number(latency.toPrecision(3)),
    errorRatio: Number(errors.toFixed(4)),
    requestsPerSecond: Number(((requests / overMs) * 1_000).toPrecision(3)),
    requests,
    measuredAt: situation.at,
  };
}
