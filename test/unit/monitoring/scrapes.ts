import { USER_REPORTS } from "../../../monitoring/indicators";

/*
 * What Prometheus has scraped, one sample every five seconds: each given as a function of the second.
 */

export const scrapeSeconds = 5;

/** In place of a sample: NaN, nothing, or the end of the series, which is how a failed scrape is told. */
export type Missing = "NaN" | "_" | "stale";

export interface Series {
  readonly series: string;
  readonly values: string;
}

export function gauge(series: string, until: number, at: (second: number) => number | Missing): Series {
  const samples: (number | Missing)[] = [];
  for (let second = 0; second <= until; second += scrapeSeconds) samples.push(at(second));
  return { series, values: samples.join(" ") };
}

/**
 * @param grows by how much since the scrape before
 * @param resetAt when it has begun again from 0
 */
export function counter(
  series: string,
  until: number,
  grows: (second: number) => number | Missing,
  resetAt?: number,
): Series {
  let total = 0;
  return gauge(series, until, (second) => {
    const growth = grows(second);
    if (second === resetAt) total = 0;
    if (typeof growth === "string") return growth;
    total += growth;
    return total;
  });
}

/** The requests of one scrape. */
export interface Requests {
  readonly count: number;
  /** How many of them fail. */
  readonly failed: number;
  readonly milliseconds: number;
}

export const noRequests: Requests = { count: 0, failed: 0, milliseconds: 0 };

/** Envoy's counters of one backend of the frontend. */
export function envoy(
  backend: string,
  until: number,
  at: (second: number) => Requests | Missing,
  resetAt?: number,
): Series[] {
  const of = (name: string, labels: string, growth: (requests: Requests) => number): Series => {
    const all = `envoy_cluster_name="pyairtable_frontend-${backend}_9898"${labels}`;
    const grows = (second: number): number | Missing => {
      const requests = at(second);
      return typeof requests === "string" ? requests : growth(requests);
    };
    return counter(`envoy_cluster_upstream_rq_${name}{${all}}`, until, grows, resetAt);
  };
  return [
    of("xx", ', envoy_response_code_class="2"', ({ count, failed }) => count - failed),
    of("xx", ', envoy_response_code_class="5"', ({ failed }) => failed),
    of("time_sum", "", ({ count, milliseconds }) => count * milliseconds),
    of("time_count", "", ({ count }) => count),
  ];
}

/** The blackbox exporter's verdicts. */
export function probes(backend: string, until: number, at: (second: number) => number | Missing): Series {
  const labels = `target="frontend", backend="${backend}", job="probes", instance="frontend-${backend}"`;
  return gauge(`probe_success{${labels}}`, until, at);
}

/** Whether a role of the frontend's could connect to a database of its own. */
export function connections(
  backend: string,
  until: number,
  at: (second: number) => number | Missing,
): Series {
  const labels = `target="frontend", backend="${backend}", job="databases", instance="exporter"`;
  return gauge(`pg_up{${labels}}`, until, at);
}

/** What the database's exporter reads; `column` is `archive_waiting_seconds` or the like. */
export function ofDatabase(column: string, until: number, at: (second: number) => number | Missing): Series {
  return gauge(`pyairtable_database_${column}{target="frontend", instance="exporter"}`, until, at);
}

/** What one guard has counted. */
export function reports(
  until: number,
  at: (second: number) => number | Missing,
  { resetAt, instance = "guard-0" }: { readonly resetAt?: number; readonly instance?: string } = {},
): Series {
  return counter(`${USER_REPORTS}{target="frontend", instance="${instance}"}`, until, at, resetAt);
}
