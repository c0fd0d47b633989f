import { MetricAlarm } from "@pulumi/aws/cloudwatch/metricAlarm";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup";
import { Instance } from "@pulumi/aws/rds/instance";
import { ParameterGroup } from "@pulumi/aws/rds/parameterGroup";
import { SubnetGroup } from "@pulumi/aws/rds/subnetGroup";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTargetName } from "../catalog";
import { firstInstance } from "../database/instance";
import { adminUser, passwordOf } from "../database/password";

export interface RdsPostgresqlArgs {
  target: RoutedTargetName;
  /** Tells stacks that share an account apart. */
  environment: string;
  /** Whether a zone may fail. */
  multiAz: boolean;
  /** The instances' identifiers: the one in use, and those that are kept. */
  instances: readonly string[];
  /** What the admin's password is derived from. Plain text. */
  secret: string;
  instanceClass: string;
  storageGi: number;
  maxConnections: number;
  vpc: string;
  /** Private ones, in different zones. */
  subnets: readonly string[];
  /** Security groups of those who connect. */
  clients: readonly string[];
  /** The ARN of the SNS topic that alarms tell. */
  alarmTopic: string;
}

const port = 5432;
/** The most that RDS gives. */
const recoveryDays = 35;

/**
 * A target's instances in RDS: private, encrypted, and kept. Neither a change of this program nor the end of the stack
 * takes data away: whoever really wants that does it by hand.
 */
export class RdsPostgresql extends pulumi.ComponentResource {
  /** The host of each instance, once it is there. */
  readonly addresses: ReadonlyMap<string, pulumi.Output<string>>;

  constructor(name: string, args: RdsPostgresqlArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pyairtable:index:RdsPostgresql", name, {}, opts);

    const child = { parent: this };
    const group = `pyairtable-${args.environment}-${args.target}`;
    const tags = { "app.kubernetes.io/part-of": "pyairtable", "app.kubernetes.io/name": args.target };
    const description = `PostgreSQL of ${args.target}`;

    const subnetGroup = new SubnetGroup(
      `${name}-subnets`,
      { name: group, description, subnetIds: [...args.subnets], tags },
      child,
    );
    const securityGroup = new SecurityGroup(
      `${name}-security-group`,
      { name: group, description, vpcId: args.vpc, tags },
      child,
    );
    for (const client of args.clients) {
      new SecurityGroupIngressRule(
        `${name}-from-${client}`,
        {
          securityGroupId: securityGroup.id,
          description: "Backends, and the jobs of the database",
          referencedSecurityGroupId: client,
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
          tags,
        },
        child,
      );
    }
    const parameters = new ParameterGroup(
      `${name}-parameters`,
      { name: group, description, family: "postgres15", parameters: settings(args.maxConnections), tags },
      child,
    );

    this.addresses = new Map(
      args.instances.map((identifier) => {
        const instance = this.instance(name, identifier, args, {
          dbSubnetGroupName: subnetGroup.name,
          vpcSecurityGroupIds: [securityGroup.id],
          parameterGroupName: parameters.name,
          tags,
        });
        this.alarms(`${name}-${identifier}`, identifier, args, tags, instance);
        return [identifier, instance.address] as const;
      }),
    );
    this.registerOutputs({});
  }

  private instance(
    name: string,
    identifier: string,
    args: RdsPostgresqlArgs,
    shared: Pick<
      ConstructorParameters<typeof Instance>[1] & object,
      "dbSubnetGroupName" | "vpcSecurityGroupIds" | "parameterGroupName" | "tags"
    >,
  ): Instance {
    return new Instance(
      `${name}-${identifier}`,
      {
        ...shared,
        identifier,
        engine: "postgres",
        engineVersion: "15",
        // The minor version is AWS's to raise, in the window: pinned, it would be put back.
        autoMinorVersionUpgrade: true,
        instanceClass: args.instanceClass,
        storageType: "gp3",
        allocatedStorage: args.storageGi,
        // Grows by itself before it is full.
        maxAllocatedStorage: 4 * args.storageGi,
        // Can't be turned on later.
        storageEncrypted: true,
        multiAz: args.multiAz,
        publiclyAccessible: false,
        port,
        username: adminUser,
        password: pulumi.secret(passwordOf(args.secret, args.target, "admin")),
        iamDatabaseAuthenticationEnabled: true,
        backupRetentionPeriod: recoveryDays,
        backupWindow: "01:00-02:00",
        maintenanceWindow: "sun:03:00-sun:04:00",
        copyTagsToSnapshot: true,
        deleteAutomatedBackups: false,
        deletionProtection: true,
        skipFinalSnapshot: false,
        finalSnapshotIdentifier: `${identifier}-final`,
        performanceInsightsEnabled: true,
        enabledCloudwatchLogsExports: ["postgresql", "upgrade"],
      },
      {
        parent: this,
        protect: true,
        retainOnDelete: true,
        ...(identifier === firstInstance(args.target) ? { ignoreChanges: [grown] } : restored(identifier)),
      },
    );
  }

  private alarms(
    name: string,
    identifier: string,
    { storageGi, maxConnections, alarmTopic }: RdsPostgresqlArgs,
    tags: Record<string, string>,
    instance: Instance,
  ): void {
    for (const { metric, what, threshold, below } of [
      { metric: "CPUUtilization", what: "cpu", threshold: 80, below: false },
      // A tenth of what it began with, in bytes.
      { metric: "FreeStorageSpace", what: "storage", threshold: storageGi * 1024 ** 3 * 0.1, below: true },
      { metric: "DatabaseConnections", what: "connections", threshold: maxConnections * 0.8, below: false },
    ]) {
      new MetricAlarm(
        `${name}-${what}`,
        {
          name: `${identifier}-${what}`,
          alarmDescription: `${metric} of ${identifier}`,
          namespace: "AWS/RDS",
          metricName: metric,
          dimensions: { DBInstanceIdentifier: instance.identifier },
          statistic: "Average",
          period: 60,
          evaluationPeriods: 5,
          comparisonOperator: below ? "LessThanThreshold" : "GreaterThanThreshold",
          threshold: Math.round(threshold),
          // One that can't be measured isn't well.
          treatMissingData: "breaching",
          alarmActions: [alarmTopic],
          okActions: [alarmTopic],
          tags,
        },
        { parent: this },
      );
    }
  }
}

/** Storage that has grown by itself is not to be shrunk, which RDS refuses. */
const grown = "allocatedStorage";

/** What a restore has made, with the password that it had: RDS doesn't tell that, nor what it is to do in the end. */
function restored(identifier: string) {
  const untold = ["password", "skipFinalSnapshot", "finalSnapshotIdentifier", "deleteAutomatedBackups"];
  return { import: identifier, ignoreChanges: [grown, ...untold] };
}

function settings(maxConnections: number) {
  // Those that hold from the next start on only.
  const later = { shared_preload_libraries: "pg_stat_statements", max_connections: String(maxConnections) };
  const atOnce = {
    "rds.force_ssl": "1",
    // A statement can hold what nobody may read.
    log_statement: "none",
    log_min_error_statement: "panic",
  };
  return [
    ...Object.entries(later).map(([name, value]) => ({ name, value, applyMethod: "pending-reboot" })),
    ...Object.entries(atOnce).map(([name, value]) => ({ name, value, applyMethod: "immediate" })),
  ];
}
