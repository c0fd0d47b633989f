/** What keeps data for targets on the monorepo's machine, by the port that it listens on there. */
export const storePorts = { postgresql: 5432, redis: 6379 } as const;

export type Store = keyof typeof storePorts;

/** The targets that traffic is routed to, in the plan's order. */
export const routedTargets = [
  "frontend",
  "api-gateway",
  "auth-service",
  "llm-orchestrator",
  "mcp-server",
  "airtable-gateway",
  "automation",
  "docs",
] as const;

/** All nine targets, in the plan's order: tier, then priority. */
export const targetNames = [
  "frontend",
  "api-gateway",
  "auth-service",
  "llm-orchestrator",
  "mcp-server",
  "airtable-gateway",
  "automation",
  "infrastructure",
  "docs",
] as const;

/** A target with a route. `infrastructure` is not one: it has an owner instead. */
export type RoutedTargetName = (typeof routedTargets)[number];
export type TargetName = (typeof targetNames)[number];

/** What is special about a target, as far as the program must treat it specially. */
export type Workload =
  /** Next.js: sessions by cookie, and hashed assets that only the release that links them can serve. */
  | {
      readonly kind: "web";
      readonly sessions: { readonly cookie: string };
      readonly staticAssets: { readonly path: string };
    }
  /** An HTTP API. `archived` names implementations that exist in the monorepo but are not extracted. */
  | { readonly kind: "api"; readonly runtime: "python"; readonly archived: readonly "go"[] }
  /** Issues tokens. One signing key for all backends, so that a token survives a switch in either direction. */
  | { readonly kind: "auth"; readonly signingKey: "shared" }
  /** Holds answers open while a model speaks; see `longestRequestSeconds`. */
  | { readonly kind: "orchestrator"; readonly streams: true }
  /** An MCP server; `tools` is how many it must list before it may have traffic. */
  | { readonly kind: "tools"; readonly tools: number }
  /** Wraps an external API whose rate limit all backends draw on together. */
  | {
      readonly kind: "external-api";
      readonly rateLimit: {
        readonly requestsPerSecond: number;
        readonly per: "base";
        readonly sharedAcrossBackends: true;
      };
    }
  /** Also consumes a queue: exactly one backend may do so at any moment. */
  | { readonly kind: "consumer"; readonly queue: string }
  | { readonly kind: "static" };

export interface Probe {
  /** HTTP path; 200 to 399 is a pass. */
  readonly path: string;
  readonly periodSeconds: number;
  /** Failures in a row before the probe counts as failed. */
  readonly failureThreshold: number;
}

/** Amounts as Kubernetes quantities. */
export interface Resources {
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly limits: { readonly cpu: string; readonly memory: string };
}

/** One request that a backend must answer as expected before it may have traffic. */
export interface SmokeCheck {
  readonly name: string;
  readonly request: {
    readonly method: "GET" | "POST";
    readonly path: string;
    /** Sent as JSON. */
    readonly body?: Readonly<Record<string, unknown>>;
  };
  readonly expect: {
    readonly status: number;
    /** The answer is JSON, and has an array of this length at this JSON pointer (RFC 6901). */
    readonly jsonArray?: { readonly pointer: string; readonly length: number };
  };
}

interface Target<N extends TargetName> {
  readonly name: N;
  readonly repository: `pyairtable-${N}`;
  readonly tier: 1 | 2 | 3;
  /** As in the plan's matrix; lower goes first within a tier. */
  readonly priority: "P0" | "P1" | "P2" | "P3" | "P4" | "P6";
  /** The plan's own words, by which the extraction is accepted. */
  readonly successCriteria: readonly string[];
}

export interface RoutedTarget<N extends RoutedTargetName = RoutedTargetName> extends Target<N> {
  readonly workload: Workload;
  /** The port that each colour listens on. */
  readonly port: number;
  /** The port that the monorepo's compose file publishes for it. */
  readonly legacyPort: number;
  readonly probes: { readonly startup: Probe; readonly readiness: Probe; readonly liveness: Probe };
  /** Targets that it calls. */
  readonly dependencies: readonly RoutedTargetName[];
  /** What it uses on the monorepo's machine; a release may reach nothing else there. */
  readonly stores: readonly Store[];
  /** Calls an API outside, such as Airtable's or a model's. */
  readonly callsInternet: boolean;
  readonly resources: Resources;
  /** The longest that one answer may take, streams included; a backend is given this long to finish. */
  readonly longestRequestSeconds: number;
  readonly smokeChecks: readonly SmokeCheck[];
}

/** Shared resources: no route, no backends, only an owner (in the stack's config). */
export interface InfrastructureTarget extends Target<"infrastructure"> {
  readonly workload: { readonly kind: "shared-resources" };
}

export type CatalogEntry<N extends TargetName = TargetName> = N extends RoutedTargetName
  ? RoutedTarget<N>
  : InfrastructureTarget;
