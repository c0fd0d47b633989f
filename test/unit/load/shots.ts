import type { Shot } from "../../../local/load/shot";

/** A good shot of the frontend, answered by legacy, but for what differs. */
export function shotWith(differing: Partial<Shot> = {}): Shot {
  return {
    target: "frontend",
    sentAt: 1_000_000,
    latencyMs: 2,
    status: 202,
    error: "",
    backend: "legacy",
    routeHash: "hash-1",
    ...differing,
  };
}
