import type { VersionRange } from "./pins";

/** The first `1.2.3` in a text, or undefined. */
export function findVersion(text: string): string | undefined {
  return /(?<![\d.])\d+\.\d+\.\d+/.exec(text)?.[0];
}

/** Whether a `1.2.3` is in the range. */
export function isInRange(version: string, range: VersionRange): boolean {
  return compare(version, range.atLeast) >= 0 && compare(version, range.below) < 0;
}

function compare(a: string, b: string): number {
  const others = b.split(".").map(Number);
  for (const [position, number] of a.split(".").map(Number).entries()) {
    const difference = number - (others[position] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
