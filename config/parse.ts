import type { z } from "zod";
import type { RoutedTargetName } from "../catalog";
import type { DatabaseMode } from "../database/access";
import { firstInstance } from "../database/instance";
import type { Color, WantedTarget } from "../migration";
import type { AppIndicator } from "../monitoring/monitoredTarget";
import type { Baseline } from "../monitoring/baseline";
import type { Monorepo } from "../monorepo/containers";
import { crossChecks } from "./crossChecks";
import { explain } from "./explain";
import { monorepoOf } from "./monorepoSchema";
import { ConfigError } from "./problem";
import { stackSchema } from "./schema";
import type { targetSchema } from "./schema";

type Parsed = DeepReadonly<z.infer<typeof stackSchema>>;

type DeepReadonly<T> = T extends Date
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string>>;

/** What is wanted of a routed target. */
export interface TargetConfig extends WantedTarget {
  /** Replicas per color that has or may get traffic. */
  readonly capacity: number;
  /** Replicas above `capacity`, up to `max`, at this mean use of requested CPU in percent. */
  readonly autoscale?: { readonly max: number; readonly cpuPercent: number };
  readonly settings: Readonly<Record<Color, Variables>>;
  /** Plain text: wrap in `pulumi.secret` before it enters a resource. */
  readonly secrets: Readonly<Record<Color, Variables>>;
  /** Why an image may change outside the first extraction. */
  readonly changes: Parsed["frontend"]["changes"];
  /** Rules that are set aside for this target. */
  readonly overrides: Parsed["frontend"]["overrides"];
  /** Absent: legacy hasn't been measured. */
  readonly baseline?: Baseline;
  readonly indicators: readonly AppIndicator[];
  /** Absent: it uses the monorepo's, or keeps no data. */
  readonly database?: DatabaseConfig;
}

/** A target's own database. */
export interface DatabaseConfig {
  /** `read-only` while the data must be protected. */
  readonly mode: DatabaseMode;
  /** The instance in use. */
  readonly instance: string;
  /** Instances that are not in use and not deleted either. */
  readonly kept: readonly string[];
  /** What each role's password is derived from. Plain text, as `secrets`. */
  readonly password: string;
  /** How many connections one pod opens. */
  readonly poolSize: number;
  /** The image of the step that the releases need. */
  readonly migration?: string;
  /** Who wants a step that old releases can't live with. */
  readonly contract?: NonNullable<NonNullable<Parsed["frontend"]["database"]>["contract"]>;
}

export interface AuthServiceConfig extends TargetConfig {
  /** Present if a color has an image. Plain text, as `secrets`. */
  readonly signingKey?: string;
}

export interface StackConfig {
  readonly migration: Parsed["migration"];
  readonly platform: Parsed["platform"];
  readonly targets: {
    readonly [N in RoutedTargetName]: N extends "auth-service" ? AuthServiceConfig : TargetConfig;
  };
  readonly infrastructure: Parsed["infrastructure"];
  /** The stack that must have completed a digest first. */
  readonly staging?: NonNullable<Parsed["staging"]>;
  readonly dns?: NonNullable<Parsed["dns"]>;
  readonly backup?: NonNullable<Parsed["backup"]>;
  readonly registry?: NonNullable<Parsed["registry"]>;
  /** Absent: nothing is watched, and no step needs evidence. */
  readonly monitoring?: NonNullable<Parsed["monitoring"]>;
  /** Absent: no target has a database of its own. */
  readonly postgresql?: NonNullable<Parsed["postgresql"]>;
  readonly guard?: NonNullable<Parsed["guard"]>;
  /** Absent: its containers are neither adopted nor started. */
  readonly monorepo?: Monorepo;
}

const namespace = "pyairtable:";

/**
 * @param raw full keys (`pyairtable:frontend`) to values as in a stack file; other namespaces are left alone
 * @throws ConfigError with all that is wrong in it
 */
export function parseStackConfig(raw: Readonly<Record<string, unknown>>): StackConfig {
  const config = Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) =>
      key.startsWith(namespace) ? [[key.slice(namespace.length), value]] : [],
    ),
  );
  const parsed = stackSchema.safeParse(config);
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue, config)),
    ...crossChecks(config),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const {
    migration,
    platform,
    infrastructure,
    staging,
    dns,
    backup,
    registry,
    monorepo,
    monitoring,
    postgresql,
    guard,
    ...targets
  } = parsed.data;
  const { signingKey } = targets["auth-service"];
  return {
    migration,
    platform,
    targets: {
      frontend: targetConfig("frontend", targets.frontend),
      "api-gateway": targetConfig("api-gateway", targets["api-gateway"]),
      "auth-service": {
        ...targetConfig("auth-service", targets["auth-service"]),
        ...(signingKey !== undefined && { signingKey }),
      },
      "llm-orchestrator": targetConfig("llm-orchestrator", targets["llm-orchestrator"]),
      "mcp-server": targetConfig("mcp-server", targets["mcp-server"]),
      "airtable-gateway": targetConfig("airtable-gateway", targets["airtable-gateway"]),
      automation: targetConfig("automation", targets.automation),
      docs: targetConfig("docs", targets.docs),
    },
    infrastructure,
    ...(staging !== undefined && { staging }),
    ...(dns !== undefined && { dns }),
    ...(backup !== undefined && { backup }),
    ...(registry !== undefined && { registry }),
    ...(postgresql !== undefined && { postgresql }),
    ...(guard !== undefined && { guard }),
    ...(monorepo && { monorepo: monorepoOf(monorepo) }),
    ...(monitoring && { monitoring }),
  };
}

function targetConfig(name: RoutedTargetName, parsed: z.infer<typeof targetSchema>): TargetConfig {
  const { blue, green, traffic, legacy, capacity, autoscale, settings, secrets, adopt } = parsed;
  const { changes, overrides, baseline, indicators, database } = parsed;
  return {
    images: { ...(blue !== undefined && { blue }), ...(green !== undefined && { green }) },
    split: traffic,
    legacy,
    capacity,
    ...(autoscale !== undefined && { autoscale }),
    settings,
    secrets,
    adopt: adopt === true,
    changes,
    overrides,
    ...(baseline && { baseline }),
    indicators,
    ...(database && { database: databaseConfig(name, database, parsed.mode) }),
  };
}

function databaseConfig(
  target: RoutedTargetName,
  { instance, migration, contract, ...database }: NonNullable<z.infer<typeof targetSchema>["database"]>,
  mode: z.infer<typeof targetSchema>["mode"],
): DatabaseConfig {
  return {
    ...database,
    mode: mode ?? "read-write",
    instance: instance ?? firstInstance(target),
    ...(migration !== undefined && { migration }),
    ...(contract && { contract }),
  };
}
