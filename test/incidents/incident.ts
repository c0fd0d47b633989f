import type { RoutedTargetName } from "../../catalog";
import { type Split, parseSplit } from "../../migration";
import type { AlertName } from "../../monitoring/table";

/** Something that goes wrong with candidates that have traffic. */
export interface Incident {
  readonly targets: readonly RoutedTargetName[];
  /** Where the traffic of each is when it begins. */
  readonly at: Split;
  /** Over all targets together. */
  readonly ratePerSecond: number;
  /** What goes on for a while and must move nothing. */
  readonly below?: () => Promise<void>;
  readonly begins: () => Promise<void>;
  /** What the commit says that records the rollback. */
  readonly message: RegExp;
  /** Mends it, whether it has begun or not. */
  readonly ends: () => Promise<void>;
}

/** What an incident leaves open: a test has it fixed, the soak draws it. */
export interface Chances {
  /** Of the traffic that the candidate has. */
  readonly percent: number;
  /** What is too much, as a multiple of the threshold. */
  readonly over: number;
  /** What isn't. */
  readonly under: number;
  /** When something else happens to it, from 0, at once, to 1, when all is nearly over. */
  readonly moment: number;
}

export interface Kind {
  readonly name: string;
  /** At which the candidate may be. */
  readonly percents: readonly number[];
  readonly incident: (chances: Chances) => Incident;
}

export const everyWeight = [10, 25, 50, 75, 100] as const;

export function atBlue(percent: number): Split {
  const text = percent === 100 ? "blue 100" : `legacy ${100 - percent} / blue ${percent}`;
  const split = parseSplit(text);
  if (split === undefined) throw new RangeError(text);
  return split;
}

/** What the commit says of a target that one alert has rolled back. */
export function rolledBackFor(target: RoutedTargetName, name: AlertName, backend?: "blue"): RegExp {
  const of = backend === undefined ? target : `${target}/${backend}`;
  return new RegExp(`^${target}: rollback to legacy 100 \\(${name} of ${of}\\)$`);
}
