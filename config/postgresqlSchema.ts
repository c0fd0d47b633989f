import { z } from "zod";
import { anyImageSchema } from "./imageSchema";

const aMap = "a map with in, image and storageGi";
const where = "cluster or aws";
const gibibytes = "a whole number of GiB, 1 or more";
const connections = "a whole number of connections, 25 or more";
const instanceClass = "an instance class of RDS (db.m7g.large)";
const vpc = "the id of a VPC (vpc-…)";
const subnets = "a list of subnets, two or more";
const subnet = "the id of a subnet (subnet-…)";
const cidrs = "a list of the subnets' IPv4 ranges (10.0.0.0/24)";
const clients = "a list of security groups, one or more";
const client = "the id of a security group (sg-…)";
const topic = "the ARN of an SNS topic (arn:aws:sns:eu-central-1:123456789012:alarms)";

const ofAll = {
  /** PostgreSQL with pgBackRest: what runs in the cluster, and the client of the jobs on either. */
  image: anyImageSchema,
  /** Prometheus' exporter for PostgreSQL. Needed where something is watched. */
  exporter: anyImageSchema.optional(),
  /** Of each target's instance. */
  storageGi: z.int({ error: gibibytes }).min(1, { error: gibibytes }),
  /** What an instance takes at most; what the backends may have together must fit. Default: 100. */
  maxConnections: z.int({ error: connections }).min(25, { error: connections }).default(100),
};

const inCluster = z.strictObject({ in: z.literal("cluster", { error: where }), ...ofAll }, { error: aMap });

const inAws = z.strictObject(
  {
    in: z.literal("aws", { error: where }),
    ...ofAll,
    instanceClass: z
      .string({ error: instanceClass })
      .regex(/^db\.[a-z0-9-]+\.[a-z0-9]+$/, { error: instanceClass }),
    vpc: z.string({ error: vpc }).regex(/^vpc-[0-9a-z]+$/, { error: vpc }),
    /** Private ones, in different zones. */
    subnets: z
      .array(z.string({ error: subnet }).regex(/^subnet-[0-9a-z]+$/, { error: subnet }), { error: subnets })
      .min(2, { error: subnets }),
    /** Where pods reach the instances: what NetworkPolicies see of them. */
    subnetCidrs: z.array(z.cidrv4({ error: cidrs }), { error: cidrs }).min(1, { error: cidrs }),
    /** Of those who connect: the cluster's nodes, and the monorepo's machine. */
    clients: z
      .array(z.string({ error: client }).regex(/^sg-[0-9a-z]+$/, { error: client }), { error: clients })
      .min(1, { error: clients }),
    /** Who is told by the alarms. */
    alarmTopic: z
      .string({ error: topic })
      .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+$/, { error: topic }),
  },
  { error: aMap },
);

/** Where the targets' databases live. */
export const postgresqlSchema = z.discriminatedUnion("in", [inCluster, inAws], {
  error: ({ input }) => (z.record(z.string(), z.unknown()).safeParse(input).success ? where : aMap),
});
