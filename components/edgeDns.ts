import { HealthCheck } from "@pulumi/aws/route53/healthCheck";
import { Record } from "@pulumi/aws/route53/record";
import * as pulumi from "@pulumi/pulumi";
import type { RecordSet } from "../edge/recordSets";

export interface EdgeDnsArgs {
  /** The hosted zone's id. */
  zoneId: string;
  records: readonly CheckedRecord[];
  /** The port that users reach both sides at, and the checks too. */
  port: number;
  /**
   * Manual: the checks are only there to be read. Automatic: Route 53 passes over an unhealthy side by itself, and gives
   * one with weight 0 its turn when no other is healthy.
   * @default "manual"
   */
  failover?: "manual" | "automatic";
  healthCheck: {
    /** Checks in a row that must fail, or pass, before Route 53 changes its mind: 1 to 10. */
    readonly failureThreshold: number;
    /** Between two checks of one checker, in seconds. */
    readonly intervalSeconds: 10 | 30;
  };
}

export interface CheckedRecord extends RecordSet {
  /** What its health check asks for, by HTTPS: 200 to 399 is healthy. */
  readonly probePath: string;
}

/** Each name as two weighted records, one that leads to the monorepo and one to the platform, and a check of each. */
export class EdgeDns extends pulumi.ComponentResource {
  constructor(name: string, args: EdgeDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:EdgeDns", name, {}, opts);

    for (const record of args.records) {
      const { target, side, hostname, type, value } = record;
      const check = new HealthCheck(
        `${name}-${target}-${side}-check`,
        {
          type: "HTTPS",
          port: args.port,
          // At an address it asks with the target's own name; a hostname it can only ask by that very name.
          ...(type === "A" ? { ipAddress: value, fqdn: hostname } : { fqdn: value }),
          resourcePath: record.probePath,
          failureThreshold: args.healthCheck.failureThreshold,
          requestInterval: args.healthCheck.intervalSeconds,
          tags: { Name: `${hostname} ${side}` },
        },
        { parent: this },
      );
      new Record(
        `${name}-${target}-${side}`,
        {
          zoneId: args.zoneId,
          name: hostname,
          type,
          records: [value],
          ttl: record.ttlSeconds,
          setIdentifier: side,
          weightedRoutingPolicies: [{ weight: record.weight }],
          // A record without a check is always healthy: its weight alone decides.
          ...(args.failover === "automatic" && { healthCheckId: check.id }),
          // The first one is made by hand, in the same change that removes the plain record: docs/dns.md.
          allowOverwrite: true,
        },
        { parent: this },
      );
    }

    this.registerOutputs({});
  }
}
