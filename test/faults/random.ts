/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 or more, below 1. */
  next(): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of `values`. @throws RangeError if there is none */
  pick<T>(values: readonly T[]): T;
  /** `count` of `values`, or all where there are fewer, in a random order. */
  some<T>(values: readonly T[], count: number): T[];
}

/** @param seed an integer; see https://en.wikipedia.org/wiki/Linear_congruential_generator for what mulberry32 improves on */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(values: readonly T[]): T => {
    const index = Math.floor(next() * values.length);
    if (index >= values.length) throw new RangeError("nothing to pick from");
    return values[index] as T;
  };
  return {
    next,
    pick,
    chance: (probability) => next() < probability,
    some: (values, count) => {
      const rest = [...values];
      const taken = [];
      while (taken.length < count && rest.length > 0) {
        taken.push(...rest.splice(Math.floor(next() * rest.length), 1));
      }
      return taken;
    },
  };
}

/** A seed that nobody chose; print it, so that the run can be repeated. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 1_000_000);
}
