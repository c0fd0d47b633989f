import { BACKENDS } from "../migration";
import { PROBE_CONNECTIONS } from "./probed";

/** For what watches it. */
export const MONITOR_CONNECTIONS = 3;

/** For the steps of the schema: one works, one holds the lock, the rest is for whoever looks. */
export const OWNER_CONNECTIONS = 5;

/** Kept free of backends: for superusers, backups, whoever looks, and the jobs of an update. */
const RESERVED_CONNECTIONS = 10;

/** What decides how many connections a backend of a target may have. */
export interface PoolSize {
  /** Of one pod. */
  readonly poolSize: number;
  /** The most replicas of a backend. */
  readonly replicas: number;
}

/** Of one backend: all its pods, one more that takes over from one that ends, and whoever proves that it can connect. */
export function backendConnections({ poolSize, replicas }: PoolSize): number {
  return poolSize * (replicas + 1) + PROBE_CONNECTIONS;
}

/** What a server must take at once. */
export function connectionsNeeded(size: PoolSize): number {
  const backends = BACKENDS.length * backendConnections(size);
  return backends + OWNER_CONNECTIONS + MONITOR_CONNECTIONS + RESERVED_CONNECTIONS;
}
