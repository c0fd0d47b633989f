import { z } from "zod";
import { backendHeader, routeHeader } from "../../cluster/names";
import { backendNamed } from "./shot";
import type { Shot } from "./shot";

const vegetaResult = z.object({
  code: z.number(),
  timestamp: z.string(),
  /** Nanoseconds. */
  latency: z.number(),
  error: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.array(z.string())).nullish(),
});

/**
 * A line of `vegeta encode --to json` as a shot. The URL's fragment names the target.
 * @param header of the answer that names who answered
 */
export function shotOf(line: string, header = backendHeader): Shot {
  const result = vegetaResult.parse(JSON.parse(line));
  const headers = new Map(
    Object.entries(result.headers ?? {}).map(([name, values]) => [name.toLowerCase(), values[0]]),
  );
  return {
    target: result.url.slice(result.url.indexOf("#") + 1),
    sentAt: epochMs(result.timestamp),
    latencyMs: result.latency / 1e6,
    status: result.code,
    error: result.error,
    backend: backendNamed(headers.get(header)),
    routeHash: headers.get(routeHeader),
  };
}

/** Epoch milliseconds of an RFC 3339 time, with the fraction that `Date` would cut off. */
function epochMs(timestamp: string): number {
  const fraction = /\.\d+/.exec(timestamp)?.[0] ?? "";
  return Date.parse(timestamp.replace(fraction, "")) + Number(`0${fraction}`) * 1000;
}
