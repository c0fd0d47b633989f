/** A stretch of time that a report is about: whole days in UTC. */
export interface Period {
  readonly kind: "week" | "day";
  /** Of a week: counted from the migration's first day, 1 is the first. */
  readonly week?: number;
  readonly from: Date;
  /** The first moment that isn't part of it. */
  readonly to: Date;
}

const millisecondsPerDay = 86_400_000;

/** Week `week` of a migration whose first day is the one of `start`. */
export function weekOf(start: Date, week: number): Period {
  const from = new Date(dayOf(start).getTime() + (week - 1) * 7 * millisecondsPerDay);
  return { kind: "week", week, from, to: new Date(from.getTime() + 7 * millisecondsPerDay) };
}

export function dayPeriod(date: Date): Period {
  const from = dayOf(date);
  return { kind: "day", from, to: new Date(from.getTime() + millisecondsPerDay) };
}

/** Which week of the migration `time` is in; 0 or less before it began. */
export function weekNumber(start: Date, time: Date): number {
  return 1 + Math.floor((time.getTime() - dayOf(start).getTime()) / (7 * millisecondsPerDay));
}

export function isWithin({ from, to }: Period, time: Date): boolean {
  return time >= from && time < to;
}

function dayOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / millisecondsPerDay) * millisecondsPerDay);
}
