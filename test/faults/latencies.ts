/** Latencies, counted in buckets that grow by 5 %: their quantiles without keeping millions of them. */
export class Latencies {
  private readonly counts = new Map<number, number>();

  /** @param counts as `toJSON` gives them */
  constructor(counts: Readonly<Record<string, number>> = {}) {
    for (const [bucket, count] of Object.entries(counts)) this.counts.set(Number(bucket), count);
  }

  add(milliseconds: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(milliseconds / smallest) / Math.log(growth)));
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
  }

  /** In ms, at most 5 % too high; undefined without any. @param percent 0 to 100 */
  quantile(percent: number): number | undefined {
    const buckets = [...this.counts].sort(([a], [b]) => a - b);
    const wanted = (percent / 100) * buckets.reduce((sum, [, count]) => sum + count, 0);
    let seen = 0;
    for (const [bucket, count] of buckets) {
      seen += count;
      if (seen >= wanted) return smallest * growth ** bucket;
    }
    return undefined;
  }

  merge(other: Latencies): void {
    for (const [bucket, count] of other.counts) {
      this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + count);
    }
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }
}

/** The first bucket's upper end, in ms. */
const smallest = 0.1;
const growth = 1.05;
