import { isIPv4 } from "node:net";
import { z } from "zod";
import { routedTargets } from "../catalog";
import type { RoutedTargetName } from "../catalog";

/*
 * Weighted records of each routed target in Route 53: the road back that needs nothing of the cluster.
 */

const zoneId = "the id of a hosted zone (Z…)";
const zoneName = "the name of a hosted zone (example.com)";
const endpoint = "a public IPv4 address or a hostname";
/** What Route 53 checks the health of nothing at. */
const notPublic =
  /^(0|10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|22[4-9]|23\d|24\d|25[0-5])\./;
const hostnamePattern =
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const endpointSchema = z
  .string({ error: endpoint })
  .refine((text) => (isIPv4(text) ? !notPublic.test(text) : hostnamePattern.test(text)), {
    error: endpoint,
  });

/** Guards against an id of another zone: Route 53 would take the records there, where nobody asks for them. */
export const zoneNameSchema = z.string({ error: zoneName }).regex(hostnamePattern, { error: zoneName });

const weight = "an integer from 0 to 255";
const weightSchema = z.int({ error: weight }).min(0, { error: weight }).max(255, { error: weight });

/** What Route 53 divides the answers by; the sum is anything above 0. */
export const dnsWeightsSchema = z.strictObject(
  { monorepo: weightSchema, platform: weightSchema },
  { error: "a map of weights: monorepo, platform" },
);

/** On the platform, whose own route then splits between legacy and the colours. */
const onPlatform = { monorepo: 0, platform: 255 };
const ofTarget = dnsWeightsSchema.default(onPlatform);

/** A target without a route, such as infrastructure, is no key here. */
const weightsSchema = z
  .strictObject(
    {
      frontend: ofTarget,
      "api-gateway": ofTarget,
      "auth-service": ofTarget,
      "llm-orchestrator": ofTarget,
      "mcp-server": ofTarget,
      "airtable-gateway": ofTarget,
      automation: ofTarget,
      docs: ofTarget,
    } satisfies Record<RoutedTargetName, typeof ofTarget>,
    { error: `a map of weights by target: ${routedTargets.join(", ")}` },
  )
  .prefault({});

const ttl = "a whole number of seconds from 1 to 300";
const threshold = "an integer from 1 to 10";
const probePath = "a path (/healthz)";

const healthCheckSchema = z
  .strictObject(
    {
      /** Asked by HTTPS. Default: the path of the target's own readiness probe. */
      path: z
        .string({ error: probePath })
        .regex(/^\/[\x21-\x7e]*$/, { error: probePath })
        .optional(),
      /** Checks in a row that must fail, or pass, before an endpoint counts as unhealthy, or healthy again. */
      failureThreshold: z
        .int({ error: threshold })
        .min(1, { error: threshold })
        .max(10, { error: threshold })
        .default(3),
      /** Between two checks of one of Route 53's checkers. It knows no other figures. */
      intervalSeconds: z.literal([10, 30], { error: "10 or 30" }).default(30),
    },
    { error: "a map with path, failureThreshold and intervalSeconds" },
  )
  .prefault({});

export const dnsSchema = z.strictObject(
  {
    zone: z.strictObject(
      {
        id: z.string({ error: zoneId }).regex(/^Z[A-Z0-9]{1,31}$/, { error: zoneId }),
        name: zoneNameSchema,
      },
      { error: "a map with id and name" },
    ),
    /** Where users reach the monorepo. */
    monorepo: endpointSchema,
    /** Where users reach the platform's gateway. */
    platform: endpointSchema,
    /**
     * How long a resolver may keep an answer. Default: 60, the most that Route 53 advises beside a health check: a
     * change reaches users within two minutes, of the plan's 15, and a name costs a resolver a question a minute.
     */
    ttlSeconds: z.int({ error: ttl }).min(1, { error: ttl }).max(300, { error: ttl }).default(60),
    /**
     * What an unhealthy endpoint does to the answers. Default: manual, nothing: the checks are there to be read, and
     * traffic moves by this file alone. Automatic: Route 53 passes over an unhealthy endpoint by itself, even for one
     * whose weight is 0.
     */
    failover: z.enum(["manual", "automatic"], { error: "manual or automatic" }).default("manual"),
    healthCheck: healthCheckSchema,
    /** Per target, 0 to 255 each. Default: all on the platform. */
    weights: weightsSchema,
    /** Level 3: every name is the monorepo's, whatever `weights` says. */
    allOnMonorepo: z.literal(true, { error: "true, or no such key" }).optional(),
  },
  { error: "a map" },
);
