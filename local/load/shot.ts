import { BACKENDS } from "../../migration";
import type { Backend } from "../../migration";

/** One figure per backend: a count, or percent of a split. */
export type PerBackend = Readonly<Record<Backend, number>>;

/** One request of the load and what became of it. */
export interface Shot {
  readonly target: string;
  /** Epoch milliseconds, with a fraction. */
  readonly sentAt: number;
  /** From sending to the last byte of the answer. */
  readonly latencyMs: number;
  /** HTTP status; 0 when there was no whole answer. */
  readonly status: number;
  /** Empty when the answer came whole. */
  readonly error: string;
  /** Who answered, by the answer's own header. */
  readonly backend: Backend | undefined;
  /** Hash of the split under which the data plane routed it. */
  readonly routeHash: string | undefined;
}

/** Epoch milliseconds of the answer's last byte. */
export function receivedAt(shot: Shot): number {
  return shot.sentAt + shot.latencyMs;
}

/** True unless a named backend answered whole, with a 2xx. */
export function hasFailed(shot: Shot): boolean {
  return shot.status < 200 || shot.status > 299 || shot.error !== "" || shot.backend === undefined;
}

/** The backend that a header's value names, undefined for any other value. */
export function backendNamed(value: string | undefined): Backend | undefined {
  return BACKENDS.find((backend) => backend === value);
}
