import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateDBSnapshotCommand,
  type DBInstance,
  type DBSnapshot,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  paginateDescribeDBInstances,
  paginateDescribeDBSnapshots,
} from "@aws-sdk/client-rds";
import { awsReason, requireAccount, unlessMissing } from "../state/aws";
import { isLeft, ownMark } from "../cluster/owner";
import {
  type Backup,
  DatabaseError,
  type DatabaseHost,
  type Recoverable,
  type Restored,
  type Shadow,
} from "./host";
import { type DatabaseAddress, restoredAs } from "./instance";

/** Only what has it is ever deleted here. */
const shadowTag = "pyairtable-shadow-of";
/** Which command made it. */
const madeByTag = "pyairtable-made-by";
/** Of which instance, at which moment: what is there already for the same is taken as it is. */
const restoredTag = "pyairtable-restored";

/** It takes RDS minutes to hours; whoever waits can stop. In seconds. */
const secondsBetween = 15;
/** What RDS is never in for long. */
const failed = ["failed", "restore-error", "incompatible-restore", "incompatible-network", "storage-full"];

/** RDS keeps the instances, and makes others of its snapshots and of the log. */
export class RdsHost implements DatabaseHost {
  /** @param wait seconds between two looks at what RDS makes */
  constructor(
    private readonly rds: RDSClient,
    private readonly wait = secondsBetween,
  ) {}

  /** @throws StateError when the user's credentials are not the account's */
  static async open(place: { readonly account: string; readonly region: string }): Promise<RdsHost> {
    await requireAccount(place);
    return new RdsHost(new RDSClient({ region: place.region }));
  }

  async backUp(instance: string, name: string, signal: AbortSignal): Promise<Backup> {
    const label = `${instance}-${slug(name)}-${randomBytes(3).toString("hex")}`;
    await said(
      this.rds.send(
        new CreateDBSnapshotCommand({ DBInstanceIdentifier: instance, DBSnapshotIdentifier: label }),
      ),
    );
    for (;;) {
      const snapshot = (await this.snapshots(instance)).find((each) => each.DBSnapshotIdentifier === label);
      if (snapshot?.Status === "available") return backupOf(snapshot);
      if (snapshot === undefined || failed.includes(snapshot.Status ?? "")) {
        throw new DatabaseError(
          `snapshot ${label}: found it ${snapshot?.Status ?? "gone"}, expected it available`,
        );
      }
      await sleep(this.wait * 1000, undefined, { signal });
    }
  }

  async backups(instance: string): Promise<readonly Backup[]> {
    return (await this.snapshots(instance))
      .filter(({ Status }) => Status === "available")
      .map(backupOf)
      .sort((one, other) => other.finishedAt.getTime() - one.finishedAt.getTime());
  }

  async shadow(instance: string, backup: Backup, signal: AbortSignal): Promise<Shadow> {
    const name = `${instance}-shadow-${randomBytes(3).toString("hex")}`;
    const like = await this.need(instance);
    await said(
      this.rds.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          ...likeOf(like),
          MultiAZ: false,
          DeletionProtection: false,
          DBInstanceIdentifier: name,
          DBSnapshotIdentifier: backup.label,
          Tags: [
            { Key: shadowTag, Value: instance },
            { Key: madeByTag, Value: ownMark() },
          ],
        }),
      ),
    );
    try {
      return { address: await this.available(name, signal), dispose: () => this.deleteShadow(name) };
    } catch (error) {
      await this.deleteShadow(name);
      throw error;
    }
  }

  async recoverable(instance: string): Promise<Recoverable | undefined> {
    const {
      LatestRestorableTime: to,
      BackupRetentionPeriod: days = 0,
      InstanceCreateTime: made,
    } = await this.need(instance);
    if (to === undefined || days === 0) return undefined;
    const oldest = new Date(to.getTime() - days * 24 * 3_600_000);
    return { from: made !== undefined && made > oldest ? made : oldest, to };
  }

  async isRestored(instance: string, to: Date, as: string): Promise<boolean> {
    const found = await this.find(as);
    return found !== undefined && tagOf(found, restoredTag) === restoredAs(instance, to);
  }

  async restore(instance: string, to: Date, as: string, signal: AbortSignal): Promise<Restored> {
    const what = restoredAs(instance, to);
    const found = await this.find(as);
    if (found === undefined) {
      await said(
        this.rds.send(
          new RestoreDBInstanceToPointInTimeCommand({
            ...likeOf(await this.need(instance)),
            DeletionProtection: true,
            SourceDBInstanceIdentifier: instance,
            TargetDBInstanceIdentifier: as,
            RestoreTime: to,
            Tags: [{ Key: restoredTag, Value: what }],
          }),
        ),
      );
    } else if (tagOf(found, restoredTag) !== what) {
      throw new DatabaseError(
        `${as}: found an instance of this name, made of ${tagOf(found, restoredTag) ?? "something else"}, expected none, or one of ${what}; it was left as it is`,
      );
    }
    // The program takes it as it runs.
    return { address: await this.available(as, signal), handOver: () => Promise.resolve() };
  }

  async deleteLeft(instance: string): Promise<readonly string[]> {
    const left = (await this.instances()).flatMap((found) => {
      const isShadow = tagOf(found, shadowTag) === instance && found.DBInstanceStatus !== "deleting";
      return isShadow && isLeft(tagOf(found, madeByTag)) ? [found.DBInstanceIdentifier ?? ""] : [];
    });
    for (const name of left) await this.deleteShadow(name);
    return left;
  }

  private async instances(): Promise<DBInstance[]> {
    const instances: DBInstance[] = [];
    try {
      for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client: this.rds }, {})) {
        instances.push(...DBInstances);
      }
    } catch (error) {
      throw new DatabaseError(awsReason(error));
    }
    return instances;
  }

  private async snapshots(instance: string): Promise<DBSnapshot[]> {
    const snapshots: DBSnapshot[] = [];
    const pages = paginateDescribeDBSnapshots({ client: this.rds }, { DBInstanceIdentifier: instance });
    try {
      for await (const { DBSnapshots = [] } of pages) snapshots.push(...DBSnapshots);
    } catch (error) {
      throw new DatabaseError(awsReason(error));
    }
    return snapshots;
  }

  private async find(instance: string): Promise<DBInstance | undefined> {
    const question = this.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance }));
    const answer = await said(unlessMissing(question, "DBInstanceNotFound", "DBInstanceNotFoundFault"));
    return answer?.DBInstances?.[0];
  }

  private async need(instance: string): Promise<DBInstance> {
    const found = await this.find(instance);
    if (found !== undefined) return found;
    throw new DatabaseError(`${instance}: found no such instance in RDS, expected one that was made`);
  }

  private async available(instance: string, signal: AbortSignal): Promise<DatabaseAddress> {
    for (;;) {
      const { DBInstanceStatus: status = "", Endpoint: endpoint } = await this.need(instance);
      if (status === "available" && endpoint?.Address !== undefined) {
        return { host: endpoint.Address, port: endpoint.Port ?? 5432 };
      }
      if (failed.includes(status)) {
        throw new DatabaseError(`${instance}: found it ${status}, expected it available`);
      }
      await sleep(this.wait * 1000, undefined, { signal });
    }
  }

  /** Never an instance: only what says of itself that it is a shadow. */
  private async deleteShadow(name: string): Promise<void> {
    const found = await this.find(name);
    if (found === undefined) return;
    if (tagOf(found, shadowTag) === undefined) {
      throw new DatabaseError(
        `${name}: found it without the tag ${shadowTag}, expected a shadow; it was left`,
      );
    }
    await said(
      this.rds.send(
        new DeleteDBInstanceCommand({
          DBInstanceIdentifier: name,
          SkipFinalSnapshot: true,
          DeleteAutomatedBackups: true,
        }),
      ),
    );
  }
}

/** What a copy has in common with its original. */
function likeOf({
  DBInstanceClass,
  DBSubnetGroup,
  VpcSecurityGroups,
  DBParameterGroups,
  MultiAZ,
  IAMDatabaseAuthenticationEnabled,
}: DBInstance) {
  const groups = (VpcSecurityGroups ?? []).flatMap(({ VpcSecurityGroupId: id }) =>
    id === undefined ? [] : [id],
  );
  return {
    DBInstanceClass,
    DBSubnetGroupName: DBSubnetGroup?.DBSubnetGroupName,
    VpcSecurityGroupIds: groups,
    DBParameterGroupName: DBParameterGroups?.[0]?.DBParameterGroupName,
    MultiAZ,
    EnableIAMDatabaseAuthentication: IAMDatabaseAuthenticationEnabled,
    PubliclyAccessible: false,
    CopyTagsToSnapshot: true,
  };
}

function backupOf({ DBSnapshotIdentifier: label = "", SnapshotCreateTime: finishedAt }: DBSnapshot): Backup {
  return { label, finishedAt: finishedAt ?? new Date(0) };
}

function tagOf({ TagList: tags = [] }: DBInstance, key: string): string | undefined {
  return tags.find(({ Key }) => Key === key)?.Value;
}

/** `a step: 1.4.2` is `a-step-1-4-2`: letters, digits and single dashes. */
function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

/** What AWS answers. @throws DatabaseError with what it says is wrong */
async function said<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new DatabaseError(awsReason(error));
  }
}
