import { type ExitCode, exitCodes } from "./exitCodes";
import { type Told, isUnreadable } from "./fileState";
import { transitionReport } from "./history";
import { dayPeriod, weekOf } from "./period";
import { type Progress, progressOf } from "./progress";
import { renderDay, renderWeek } from "./progressView";
import { type Project, readWanted } from "./project";
import { Report } from "./report";
import type { Situation } from "./situation";
import { readStackRecord } from "./stackRecord";
import { survey } from "./survey";
import { reason } from "../cluster/thrown";

export interface ProgressReportOptions {
  readonly project: Project;
  /** Counted from 1. */
  readonly period: { readonly week: number } | { readonly day: Date };
  /** The migration's first day. @default the one of the stack file's first commit */
  readonly start?: Date;
  /** How many repositories there are. */
  readonly repositories?: number;
  readonly json: boolean;
}

/** The plan's weekly report, or what a daily standup says, from git, state and cluster. */
export async function progressReport(options: ProgressReportOptions): Promise<ExitCode> {
  const { project, period, repositories, json } = options;
  const [record, situation] = await Promise.all([readStackRecord(project), situationNow(project)]);
  const start = options.start ?? record.begins;
  const progress = progressOf({
    stack: project.stack,
    period: "week" in period ? weekOf(start, period.week) : dayPeriod(period.day),
    start,
    now: new Date(),
    soakHours: readWanted(project).migration.soakHours,
    record,
    situation,
    ...(repositories !== undefined && { repositories }),
  });
  const words = progress.period.kind === "week" ? renderWeek(progress, record) : renderDay(progress, record);
  new Report({ json }).result(words, progressJson(progress));
  return exitCodes.done;
}

/** A report has most to say without the cluster too. */
async function situationNow(project: Project): Promise<Told<Situation>> {
  try {
    return (await survey(project)).situation;
  } catch (error) {
    return { unreadable: reason(error).split("\n")[0] ?? "" };
  }
}

/** As `--json` prints it: every key is always there, `null` where there is nothing to say. */
function progressJson(progress: Progress): object {
  const { stack, period, start, now, critical, extracted, kpis, deployments, blocked, next } = progress;
  return {
    stack,
    week: period.week ?? null,
    from: period.from.toISOString(),
    to: period.to.toISOString(),
    start: start.toISOString(),
    at: now.toISOString(),
    isCurrent: progress.isCurrent,
    critical,
    extracted,
    transitions: progress.transitions.map(transitionReport),
    rollbacks: progress.rollbacks.length,
    inProgress: progress.inProgress.map((each) => ({
      target: each.target,
      stage: each.stage,
      split: each.split,
      since: each.since.toISOString(),
      stepsLeft: each.stepsLeft ?? null,
    })),
    staged: progress.staged,
    deployments: measuredJson(deployments),
    blocked: measuredJson(blocked),
    warnings: progress.warnings,
    next: measuredJson(next),
    milestone: progress.milestone,
    kpis: kpis.map((kpi) => ({
      name: kpi.name,
      goal: kpi.goal,
      measured: kpi.measured ?? null,
      notMeasured: kpi.notMeasured ?? null,
      isMet: kpi.isMet ?? null,
    })),
    stageSeconds: Object.fromEntries(
      progress.stageTimes.map(({ target, times }) => [
        target,
        Object.fromEntries(Object.entries(times).map(([stage, ms]) => [stage, Math.round(ms / 1000)])),
      ]),
    ),
  };
}

function measuredJson<T extends object>(told: Told<T>): object {
  return isUnreadable(told) ? { notMeasured: told.unreadable } : told;
}
