/** The clock of the migration counts whole seconds, as the route's annotations do. */
export function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

/** ISO 8601 in UTC, to the second: `2025-08-11T09:00:00Z`. */
export function formatTime(time: Date): string {
  return wholeSeconds(time).toISOString().replace(".000Z", "Z");
}
