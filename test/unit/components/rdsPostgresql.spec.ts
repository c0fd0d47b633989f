import assert from "node:assert/strict";
import { RdsPostgresql, type RdsPostgresqlArgs } from "../../../components";
import { passwordOf } from "../../../database/password";
import { type Recording, record } from "../support/recording";

const args: RdsPostgresqlArgs = {
  target: "automation",
  environment: "production",
  multiAz: true,
  instances: ["automation-postgresql"],
  secret: "correct horse battery staple",
  instanceClass: "db.m7g.large",
  storageGi: 50,
  maxConnections: 100,
  vpc: "vpc-1",
  subnets: ["subnet-1", "subnet-2"],
  clients: ["sg-1"],
  alarmTopic: "arn:aws:sns:eu-central-1:123456789012:alarms",
};
const tags = { "app.kubernetes.io/part-of": "pyairtable", "app.kubernetes.io/name": "automation" };

async function make(changes: Partial<RdsPostgresqlArgs> = {}): Promise<Recording> {
  const made = await record(() => new RdsPostgresql("it", { ...args, ...changes }));
  assert.deepEqual(made.failures, []);
  return made;
}

describe("RdsPostgresql", () => {
  it("is an encrypted instance in private subnets, with 35 days of point-in-time recovery, that nobody deletes by mistake", async () => {
    const made = await make();
    const { inputs, protect, retainOnDelete } = made.named("it-automation-postgresql");
    assert.deepEqual([protect, retainOnDelete], [true, true]);
    assert.deepEqual(inputs, {
      identifier: "automation-postgresql",
      engine: "postgres",
      engineVersion: "15",
      autoMinorVersionUpgrade: true,
      instanceClass: "db.m7g.large",
      storageType: "gp3",
      allocatedStorage: 50,
      maxAllocatedStorage: 200,
      storageEncrypted: true,
      multiAz: true,
      publiclyAccessible: false,
      port: 5432,
      username: "postgres",
      password: { "[secret]": passwordOf(args.secret, "automation", "admin") },
      iamDatabaseAuthenticationEnabled: true,
      backupRetentionPeriod: 35,
      backupWindow: "01:00-02:00",
      maintenanceWindow: "sun:03:00-sun:04:00",
      copyTagsToSnapshot: true,
      deleteAutomatedBackups: false,
      deletionProtection: true,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: "automation-postgresql-final",
      performanceInsightsEnabled: true,
      enabledCloudwatchLogsExports: ["postgresql", "upgrade"],
      dbSubnetGroupName: "pyairtable-production-automation",
      vpcSecurityGroupIds: ["id-of-it-security-group"],
      parameterGroupName: "pyairtable-production-automation",
      tags,
    });
    assert.deepEqual(made.inputs("it-subnets")["subnetIds"], ["subnet-1", "subnet-2"]);
  });

  it("is reached by its clients' security groups at its port, and from nowhere else", async () => {
    const made = await make({ clients: ["sg-1", "sg-2"] });
    const rules = made.ofType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
    assert.deepEqual(
      rules.map(({ inputs }) => [
        inputs["securityGroupId"],
        inputs["referencedSecurityGroupId"],
        inputs["fromPort"],
        inputs["toPort"],
        inputs["cidrIpv4"],
      ]),
      [
        ["id-of-it-security-group", "sg-1", 5432, 5432, undefined],
        ["id-of-it-security-group", "sg-2", 5432, 5432, undefined],
      ],
    );
    const { ingress, egress } = made.inputs("it-security-group");
    assert.deepEqual([ingress, egress], [undefined, undefined]);
  });

  it("takes encrypted connections only, counts statements, and logs none", async () => {
    assert.deepEqual((await make()).inputs("it-parameters")["parameters"], [
      { name: "shared_preload_libraries", value: "pg_stat_statements", applyMethod: "pending-reboot" },
      { name: "max_connections", value: "100", applyMethod: "pending-reboot" },
      { name: "rds.force_ssl", value: "1", applyMethod: "immediate" },
      { name: "log_statement", value: "none", applyMethod: "immediate" },
      { name: "log_min_error_statement", value: "panic", applyMethod: "immediate" },
    ]);
  });

  it("alarms on CPU, storage and connections of each instance, kept ones too", async () => {
    const made = await make({ instances: ["automation-postgresql-2", "automation-postgresql"] });
    const alarms = made.ofType("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs);
    assert.deepEqual(
      alarms.map(({ name, comparisonOperator, threshold }) => [name, comparisonOperator, threshold]),
      [
        ["automation-postgresql-2-cpu", "GreaterThanThreshold", 80],
        ["automation-postgresql-2-storage", "LessThanThreshold", 5368709120],
        ["automation-postgresql-2-connections", "GreaterThanThreshold", 80],
        ["automation-postgresql-cpu", "GreaterThanThreshold", 80],
        ["automation-postgresql-storage", "LessThanThreshold", 5368709120],
        ["automation-postgresql-connections", "GreaterThanThreshold", 80],
      ],
    );
    for (const { alarmActions } of alarms) assert.deepEqual(alarmActions, [args.alarmTopic]);
  });

  it("survives no zone where it need not", async () => {
    const made = await make({ environment: "staging", multiAz: false });
    assert.equal(made.inputs("it-automation-postgresql")["multiAz"], false);
  });
});
