/** What most, nearly all and all but the worst values do not exceed. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** The smallest value that at least `percent` of the values do not exceed (nearest rank); undefined without values. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** The three percentiles of a report, in the values' own unit; undefined without values. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  const [p50, p95, p99] = [50, 95, 99].map((percent) => percentile(values, percent));
  return p50 === undefined || p95 === undefined || p99 === undefined
    ? undefined
    : { p50, p95, p99 };
}
