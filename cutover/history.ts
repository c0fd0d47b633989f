import type { TargetName } from "../catalog";
import { type ExitCode, exitCodes } from "./exitCodes";
import { isUnreadable } from "./fileState";
import { renderHistory } from "./historyView";
import type { Project } from "./project";
import { Report } from "./report";
import { type CarriedOut, readStackRecord } from "./stackRecord";
import { road } from "./transitions";

export interface HistoryOptions {
  readonly project: Project;
  /** @default all */
  readonly target?: TargetName;
  /** Leaves out what was committed before. */
  readonly since?: Date;
  /** How many at most, the newest. */
  readonly limit?: number;
  readonly json: boolean;
}

/** Every transition of the stack, newest first. */
export async function history({ project, target, since, limit, json }: HistoryOptions): Promise<ExitCode> {
  const record = await readStackRecord(project);
  const shown = newestFirst(record.transitions)
    .filter((each) => target === undefined || each.target === undefined || each.target === target)
    .filter(({ commit }) => since === undefined || commit.at >= since)
    .slice(0, limit);
  new Report({ json }).result(json ? "" : renderHistory(shown, record, process.stdout), {
    stack: project.stack,
    isShallow: record.isShallow,
    updatesUnreadable: isUnreadable(record.updates) ? record.updates.unreadable : null,
    transitions: shown.map(transitionReport),
  });
  return exitCodes.done;
}

/** What one commit changed stays in the plan's order. */
function newestFirst(transitions: readonly CarriedOut[]): readonly CarriedOut[] {
  const places = new Map(
    [...new Set(transitions.map(({ commit }) => commit.id))].map((id, place) => [id, place]),
  );
  const placeOf = ({ commit }: CarriedOut): number => places.get(commit.id) ?? 0;
  return transitions.toSorted((a, b) => placeOf(b) - placeOf(a));
}

/** As `--json` prints it: every key is always there, `null` where there is nothing to say. */
export function transitionReport(transition: CarriedOut): object {
  const { commit, target, changes, updates } = transition;
  return {
    commit: commit.id,
    at: commit.at.toISOString(),
    by: commit.by,
    summary: commit.summary,
    target: target ?? null,
    changes: changes.map((change) =>
      change.kind === "image" ? { ...change, from: change.from ?? null, to: change.to ?? null } : change,
    ),
    road: road(transition),
    good: commit.good ?? null,
    updates: updates.map(({ startedAt, seconds, result }) => ({
      startedAt: startedAt.toISOString(),
      seconds: seconds ?? null,
      result,
    })),
  };
}
