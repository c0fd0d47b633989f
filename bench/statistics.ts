/** What many samples of one thing come to, in their own unit. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError without a sample */
export function spreadOf(samples: readonly number[]): Spread {
  const ascending = samples.toSorted((a, b) => a - b);
  return {
    count: samples.length,
    median: quantile(ascending, 0.5),
    p25: quantile(ascending, 0.25),
    p75: quantile(ascending, 0.75),
    p99: quantile(ascending, 0.99),
    min: quantile(ascending, 0),
    max: quantile(ascending, 1),
  };
}

/** The value below which `share` (0 to 1) of ascending values lie; between two of them in proportion. */
function quantile(ascending: readonly number[], share: number): number {
  const position = share * (ascending.length - 1);
  const [below, above] = [ascending[Math.floor(position)], ascending[Math.ceil(position)]];
  if (below === undefined || above === undefined)
    throw new RangeError("found no sample, expected at least one");
  return below + (above - below) * (position - Math.floor(position));
}
