/** The plan's levels of rollback: one target, the repository's files, everything. */
export const levels = [1, 2, 3] as const;
export type Level = (typeof levels)[number];

/** The plan's action times, in minutes. */
export const budgetMinutes: Readonly<Record<Level, number>> = { 1: 15, 2: 30, 3: 60 };

/** What a rollback took of its budget, for people: `level 1 took 4.1 s of its 15 min`. */
export function budgetText(level: Level, tookMs: number): string {
  const budget = budgetMinutes[level];
  const over = isWithinBudget(level, tookMs) ? "" : ", which is too long";
  return `level ${level} took ${durationText(tookMs)} of its ${budget} min${over}`;
}

export function isWithinBudget(level: Level, tookMs: number): boolean {
  return tookMs <= budgetMinutes[level] * 60_000;
}

function durationText(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
