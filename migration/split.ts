import { createHash } from "node:crypto";

/** What can receive a target's traffic: the monorepo's container, or one of two extracted releases. */
export const BACKENDS = ["legacy", "blue", "green"] as const;
export const COLORS = ["blue", "green"] as const;

export type Backend = (typeof BACKENDS)[number];
export type Color = (typeof COLORS)[number];

/** Percent per backend: integers from 0 to 100 that sum to 100. */
export type Split = Readonly<Record<Backend, number>>;

export const ALL_LEGACY: Split = { legacy: 100, blue: 0, green: 0 };

/** 100 % on one backend. */
export function allOn(backend: Backend): Split {
  return { legacy: 0, blue: 0, green: 0, [backend]: 100 };
}

export function splitsEqual(a: Split, b: Split): boolean {
  return BACKENDS.every((backend) => a[backend] === b[backend]);
}

/** For people, backends without traffic left out: `legacy 90 / blue 10`. */
export function formatSplit(split: Split): string {
  return BACKENDS.filter((backend) => split[backend] !== 0)
    .map((backend) => `${backend} ${split[backend]}`)
    .join(" / ");
}

/** The inverse of `formatSplit`; undefined for a text that it would not have written. */
export function parseSplit(text: string): Split | undefined {
  const split = { legacy: 0, blue: 0, green: 0 };
  for (const share of text.split(" / ")) {
    const [name, percent] = share.split(" ");
    const backend = BACKENDS.find((known) => known === name);
    if (backend === undefined) return undefined;
    split[backend] = Number(percent);
  }
  const sum = split.legacy + split.blue + split.green;
  return sum === 100 && formatSplit(split) === text ? split : undefined;
}

/** 12 hex digits that stand for this split of this target; every answer carries them in a header. */
export function splitHash(target: string, split: Split): string {
  return shortHash([target, ...BACKENDS.map((backend) => split[backend])]);
}

/** 12 hex digits of the SHA-256 of `parts`. */
export function shortHash(parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

/** The backend that has all traffic, if one has. */
export function holder(split: Split): Backend | undefined {
  return BACKENDS.find((backend) => split[backend] === 100);
}

/** Legacy's share grows, and no colour's does. */
export function isTowardsLegacy(from: Split, to: Split): boolean {
  return growsOnly("legacy", from, to);
}

/** The share of `backend` grows, and no other's does. */
export function growsOnly(backend: Backend, from: Split, to: Split): boolean {
  return BACKENDS.every((each) => (each === backend ? to[each] > from[each] : to[each] <= from[each]));
}
