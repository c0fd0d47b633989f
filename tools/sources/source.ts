import type { Report } from "../progress";

/** Where files of a tool are, and how they came there. */
export interface Found {
  /** For people: "PATH 3.251.0", "built 1.34.2", "cache 1.34.2". */
  readonly origin: string;
  /** Absolute path by name of binary, or of file. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Obtaining {
  readonly report: Report;
  /** Ends the work; what was begun is undone. */
  readonly signal: AbortSignal;
}

/** One way to have one tool. */
export interface Source {
  /** What `obtain` does, for people: "Building contour 1.33.8". */
  readonly title: string;
  /** Looks whether it is there, changing nothing; fast. */
  find(): Promise<Found | undefined>;
  /** Makes it be there. */
  obtain(work: Obtaining): Promise<Found>;
}

/** Paths of files in one folder, by their names. */
export function inFolder(folder: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${folder}/${name}`]));
}
