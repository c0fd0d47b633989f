import type { Random } from "../faults/random";
import { type LegName, legNames } from "./legs";
import { type Point, type Victim, points } from "./points";

/** Somebody who is killed at some point. */
export interface DataCase {
  readonly point: Point;
  readonly victim: Victim;
}

/** Every one that there is. */
export const dataCases: readonly DataCase[] = points.flatMap((point) =>
  point.victims.map((victim) => ({ point, victim })),
);

/** `down: cutover at "backup running"` */
export function nameOf({ point, victim }: DataCase): string {
  return `${point.leg}: ${victim} at "${point.name}"`;
}

/** @throws RangeError for one that there isn't */
export function caseOf(leg: LegName, victim: Victim, point: string): DataCase {
  const name = `${leg}: ${victim} at "${point}"`;
  const found = dataCases.find((each) => nameOf(each) === name);
  if (found === undefined) throw new RangeError(`found no case ${name}, expected one of dataCases`);
  return found;
}

/** At most one kill on each leg of one way. */
export type Round = ReadonlyMap<LegName, DataCase>;

/**
 * As many of the `open` ones as one way can have: one on each leg, of which one at most kills PostgreSQL, so that none
 * finds it down still. The leg with the most that are open has that one.
 */
export function roundOf(open: readonly DataCase[], random: Random): Round {
  const mixed = random.some(open, open.length);
  const on = (leg: LegName): DataCase[] => mixed.filter(({ point }) => point.leg === leg);
  const ofServer = ({ victim }: DataCase): boolean => victim === "PostgreSQL";
  const [first] = legNames
    .filter((leg) => on(leg).some(ofServer))
    .toSorted((a, b) => on(b).length - on(a).length);
  return new Map(
    legNames.flatMap((leg) => {
      const chosen = on(leg).find((each) => ofServer(each) === (leg === first));
      return chosen === undefined ? [] : [[leg, chosen] as const];
    }),
  );
}
