import { isIPv4 } from "node:net";
import { z } from "zod";
import { BACKENDS, COLORS, PHASES } from "../migration";
import { backupSchema } from "./backupSchema";
import { baselineSchema } from "./baselineSchema";
import { databaseSchema, modeSchema } from "./databaseSchema";
import { dnsSchema } from "./dnsSchema";
import { clusterSchema } from "./clusterSchema";
import { guardSchema } from "./guardSchema";
import { changesSchema, overridesSchema, signOffsSchema } from "./freezeSchema";
import { anyImageSchema } from "./imageSchema";
import { postgresqlSchema } from "./postgresqlSchema";
import { registrySchema } from "./registrySchema";
import { indicatorsSchema, monitoringSchema } from "./monitoringSchema";
import { monorepoSchema } from "./monorepoSchema";

/*
 * The whole of the stack's config: one key per target in the namespace `pyairtable`, plus `migration` and
 * `platform`. Each part's message says what is expected there; load.ts adds what was found. What spans
 * several keys is in crossChecks.ts.
 */

const migrationSchema = z.strictObject(
  {
    /** What the plan's feature freeze allows at present. */
    phase: z.enum(PHASES, { error: "full-freeze, partial-thaw or full-resumption" }),
    /** For the thaw: product manager and technical lead. Default: none. */
    signOffs: signOffsSchema,
    /** Rules about the phase that are set aside. Default: none. */
    overrides: overridesSchema,
    /** How long a color must have had 100 % before legacy may be retired; at least 24 in production. */
    soakHours: z
      .number({ error: "a number of hours, 0 or more" })
      .min(0, { error: "a number of hours, 0 or more" }),
  },
  { error: "a map with phase and soakHours" },
);

const port = "a port from 1 to 65535";
const portSchema = z.int({ error: port }).min(1, { error: port }).max(65535, { error: port });

const proxies = 'a list of "host:port", or { service: namespace/name, port }';
const address = "host:port";
const service = "the namespace/name of a Service";

const cidrs = "a list of IPv4 ranges (10.0.0.0/24)";

export const environmentSchema = z.enum(["local", "staging", "production"], {
  error: "local, staging or production",
});

const account = "an AWS account: 12 digits, quoted";
const region = "an AWS region (eu-central-1)";

export const awsSchema = z.strictObject(
  {
    account: z.string({ error: account }).regex(/^\d{12}$/, { error: account }),
    region: z.string({ error: region }).regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: region }),
  },
  { error: "a map with account and region" },
);

const platformSchema = z.strictObject(
  {
    environment: environmentSchema,
    /** Of all that the stack makes. Default: pyairtable. */
    namespace: z
      .string({ error: "a namespace" })
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: "a namespace" })
      .default("pyairtable"),
    /** The GatewayClass of the data plane. */
    gatewayClass: z
      .string({ error: "the name of a GatewayClass" })
      .min(1, { error: "the name of a GatewayClass" }),
    /** A target is served at `<target>.<domain>`. */
    domain: z.string({ error: "a domain" }).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, { error: "a domain" }),
    /** The port that users reach the Gateway at, in URLs. Default: 443. */
    publicPort: portSchema.default(443),
    /** How long a release may take to become ready before the update fails. Default: the plan's 5 minutes. */
    readyWithinSeconds: z
      .int({ error: "a whole number of seconds" })
      .min(1, { error: "1 second or more" })
      .default(300),
    /** Where the monorepo's containers are reached. An EndpointSlice takes no loopback address. */
    legacyHost: z
      .string({ error: "an IPv4 address that pods can reach" })
      .refine(isReachableIPv4, { error: "an IPv4 address that pods can reach (not loopback)" }),
    /** Every replica of the proxy must prove a new split: a fixed list, or a headless Service to look them up. */
    proxies: z.union(
      [
        z
          .array(z.string({ error: address }).regex(/^[^\s:]+:\d{1,5}$/, { error: address }))
          .min(1, { error: proxies }),
        z.strictObject({
          service: z.string({ error: service }).regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: service }),
          port: portSchema,
        }),
      ],
      { error: proxies },
    ),
    /** Where pods reach the Gateway to call other targets: its Service's clusterIP, which must stay the same. */
    internalGateway: z.strictObject(
      {
        address: z
          .string({ error: "an IPv4 address that pods can reach" })
          .refine(isReachableIPv4, { error: "an IPv4 address that pods can reach (not loopback)" }),
        port: portSchema,
      },
      { error: "a map with address and port" },
    ),
    /** IPv4 ranges that the API server's calls come from, where NetworkPolicies are enforced. Default: none. */
    controlPlaneCidrs: z.array(z.cidrv4({ error: cidrs }), { error: cidrs }).default([]),
    /** The kubeconfig's context. Default: its current one. */
    kubeContext: z
      .string({ error: "the name of a context" })
      .min(1, { error: "the name of a context" })
      .optional(),
    /** Where the stack's resources in AWS are; another account's credentials are refused. Default: it has none. */
    aws: awsSchema.optional(),
    /** The EKS cluster that a context must lead to, in the account and region of `aws`. Default: any. */
    cluster: clusterSchema.optional(),
  },
  { error: "a map" },
);

const weight = "an integer from 0 to 100";
const weightSchema = z.int({ error: weight }).min(0, { error: weight }).max(100, { error: weight });

/** Percent per backend, summing to 100. */
export const trafficSchema = z.strictObject(
  { legacy: weightSchema, blue: weightSchema, green: weightSchema },
  { error: `a map of percents: ${BACKENDS.join(", ")}` },
);

const atLeastOne = "an integer of 1 or more";
const countSchema = z.int({ error: atLeastOne }).min(1, { error: atLeastOne });
export const capacitySchema = countSchema.default(2);

const percent = "an integer from 1 to 100";

export const autoscaleSchema = z.strictObject(
  {
    /** The most replicas per color; `capacity` is the least. */
    max: countSchema,
    /** The mean use of requested CPU, in percent, that the scaler aims at. */
    cpuPercent: z.int({ error: percent }).min(1, { error: percent }).max(100, { error: percent }),
  },
  { error: "a map with max and cpuPercent" },
);

const variables = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "the name of an environment variable" }),
  z.string({ error: "a string (quote it)" }),
  { error: "a map of environment variables" },
);

const variablesPerColor = z
  .strictObject(
    { blue: variables.default({}), green: variables.default({}) },
    { error: `a map with ${COLORS.join(", ")}` },
  )
  .default({ blue: {}, green: {} });

export const targetSchema = z.strictObject(
  {
    /** The image of each color that runs, by digest outside the local stack. */
    blue: anyImageSchema.optional(),
    green: anyImageSchema.optional(),
    traffic: trafficSchema,
    /** Whether the monorepo's container is kept as a way back. Default: standby. */
    legacy: z.enum(["standby", "retired"], { error: "standby or retired" }).default("standby"),
    /** Replicas per color that has or may get traffic. Default: 2. */
    capacity: capacitySchema,
    /** Adds replicas above `capacity` under load. Default: none. */
    autoscale: autoscaleSchema.optional(),
    /** Environment variables per color. */
    settings: variablesPerColor,
    /** The same for what nobody may read: set with `pulumi config set --secret --path`. */
    secrets: variablesPerColor,
    /** On a stack without this target's route: take over the split that is already running. */
    adopt: z.literal(true, { error: "true, or no such key" }).optional(),
    /** Why an image may change outside the first extraction, while the freeze lasts. Default: none. */
    changes: changesSchema,
    /** Rules that are set aside for this target. Default: none. */
    overrides: overridesSchema,
    /** Measured on legacy by `cutover baseline`: what the alerts of latency compare with. Default: none, and no such alerts. */
    baseline: baselineSchema,
    /** Measures of the service's own, which warn. Default: none. */
    indicators: indicatorsSchema,
    /** Of its database. Default: read-write. */
    mode: modeSchema,
    /** For a target that keeps data in PostgreSQL. Default: it uses the monorepo's. */
    database: databaseSchema.optional(),
  },
  { error: "a map" },
);

const authServiceSchema = targetSchema.extend({
  /** Signs the tokens of all three backends. A secret; required as soon as a color has an image. */
  signingKey: z.string({ error: "a string" }).min(1, { error: "a string that isn't empty" }).optional(),
});

const infrastructureSchema = z.strictObject(
  {
    /** Who owns the shared resources; the cutover adopts them, the rollback lets go without deleting. */
    owner: z.enum(["terraform", "pulumi"], { error: "terraform or pulumi" }),
    /** Rules that are set aside for it. Default: none. */
    overrides: overridesSchema,
  },
  { error: "a map with owner" },
);

/** Keys without their namespace. */
export const stackSchema = z.strictObject({
  migration: migrationSchema,
  platform: platformSchema,
  frontend: targetSchema,
  "api-gateway": targetSchema,
  "auth-service": authServiceSchema,
  "llm-orchestrator": targetSchema,
  "mcp-server": targetSchema,
  "airtable-gateway": targetSchema,
  automation: targetSchema,
  infrastructure: infrastructureSchema,
  docs: targetSchema,

  /** The stack of this project that must have completed a digest before it may have weight here. */
  staging: z
    .strictObject(
      {
        stack: z
          .string({ error: "the name of a stack" })
          .regex(/^[\w.-]+$/, { error: "the name of a stack" }),
      },
      { error: "a map with stack" },
    )
    .optional(),
  /** Where the nine images are kept. */
  registry: registrySchema.optional(),
  /** Weighted records of the monorepo and the platform. */
  dns: dnsSchema.optional(),
  /** The compose project's containers, to adopt, start and stop. */
  monorepo: monorepoSchema.optional(),
  /** Bundles of the repositories and the compose configuration. */
  backup: backupSchema.optional(),
  /** Rules, alerts and dashboards, and where Prometheus is asked. */
  monitoring: monitoringSchema.optional(),
  /** Where the targets' databases live. Default: none has one of its own. */
  postgresql: postgresqlSchema.optional(),
  /** The guard in the cluster. Default: none there; it may run beside it. */
  guard: guardSchema.optional(),
});

function isReachableIPv4(address: string): boolean {
  // Unspecified, loopback, link-local and multicast are refused by the API server.
  return isIPv4(address) && !/^(0|127|169\.254|22[4-9]|23\d|24\d|25[0-5])\./.test(address);
}
