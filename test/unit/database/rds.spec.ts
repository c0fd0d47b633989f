import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import os from "node:os";
import {
  CreateDBInstanceCommand,
  DescribeDBInstancesCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from "@aws-sdk/client-rds";
import { RdsHost } from "../../../database/rds";
import { Moto } from "../../support/moto";

describe("What RDS keeps", function () {
  this.timeout(60_000);
  const { signal } = new AbortController();
  const instance = "auth-service-postgresql";
  let moto: Moto;
  let rds: RDSClient;
  let host: RdsHost;

  before(async function () {
    moto = await Moto.startOrSkip(this);
    rds = new RDSClient({
      region: "eu-central-1",
      endpoint: moto.endpoint,
      credentials: { accessKeyId: "administrator", secretAccessKey: "secret" },
    });
    host = new RdsHost(rds, 0.05);
  });

  beforeEach(async () => {
    await moto.reset();
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: instance,
        DBInstanceClass: "db.m7g.large",
        Engine: "postgres",
        MasterUsername: "postgres",
        MasterUserPassword: "a password of some length",
        AllocatedStorage: 20,
        // Protected, moto would protect a shadow too, whatever it is told.
        DeletionProtection: false,
        BackupRetentionPeriod: 35,
      }),
    );
  });

  after(async () => {
    rds.destroy();
    await moto.stop();
  });

  async function instances(): Promise<Record<string, boolean | undefined>> {
    const { DBInstances: found = [] } = await rds.send(new DescribeDBInstancesCommand({}));
    return Object.fromEntries(
      found.map(({ DBInstanceIdentifier: name = "", DeletionProtection }) => [name, DeletionProtection]),
    );
  }

  it("makes a snapshot that is named by its purpose, and lists it", async () => {
    // RDS makes one of its own for every instance.
    const own = await host.backups(instance);
    const backup = await host.backUp(instance, "auth-service-migrations:1.4.2", signal);
    assert.match(backup.label, /^auth-service-postgresql-auth-service-migrations-1-4-2-[0-9a-f]{6}$/);
    assert.deepEqual(await host.backups(instance), [backup, ...own]);
  });

  it("makes a shadow of that snapshot, which can be deleted, and deletes it alone", async () => {
    const backup = await host.backUp(instance, "a step", signal);
    const shadow = await host.shadow(instance, backup, signal);
    assert(shadow.address.host !== "" && shadow.address.port > 0);
    const [name = ""] = Object.keys(await instances()).filter((each) => each !== instance);
    assert.match(name, /^auth-service-postgresql-shadow-/);
    assert.deepEqual(await instances(), { [instance]: false, [name]: false });
    await shadow.dispose();
    assert.deepEqual(await instances(), { [instance]: false });
  });

  it("deletes the shadows of commands that were killed, and nobody else's", async () => {
    const backup = await host.backUp(instance, "a step", signal);
    const used = await host.shadow(instance, backup, signal);
    const before = await instances();
    const mark = (pid: number, at = new Date()): string => `${os.hostname()} ${pid} ${at.toISOString()}`;
    const { pid: killed } = spawnSync("true");
    const shadow = async (name: string, of: string | undefined, by: string | undefined): Promise<void> => {
      await rds.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          DBInstanceIdentifier: name,
          DBSnapshotIdentifier: backup.label,
          Tags: [
            ...(of === undefined ? [] : [{ Key: "pyairtable-shadow-of", Value: of }]),
            ...(by === undefined ? [] : [{ Key: "pyairtable-made-by", Value: by }]),
          ],
        }),
      );
    };
    await shadow("left", instance, mark(killed));
    await shadow("old", instance, "elsewhere 1 2025-08-11T09:00:00.000Z");
    await shadow("elsewhere", instance, `elsewhere 1 ${new Date().toISOString()}`);
    await shadow("of-another", "automation-postgresql", mark(killed));
    await shadow("no-shadow", undefined, mark(killed));
    assert.deepEqual((await host.deleteLeft(instance)).toSorted(), ["left", "old"]);
    const kept = { elsewhere: false, "of-another": false, "no-shadow": false };
    assert.deepEqual(await instances(), { ...before, ...kept });
    assert.deepEqual(await host.deleteLeft(instance), []);
    await used.dispose();
  });

  it("makes another instance as this one was at a moment, once; it is protected", async () => {
    const to = new Date("2026-11-25T21:30:00.000Z");
    const as = `${instance}-20261125-213000`;
    const restored = await host.restore(instance, to, as, signal);
    assert(restored.address.host !== "");
    await restored.handOver();
    assert.deepEqual(await instances(), { [instance]: false, [as]: true });
    assert.equal(await host.isRestored(instance, to, as), true);
    assert.equal(await host.isRestored(instance, new Date(to.getTime() + 1), as), false);
    assert.deepEqual(
      await host.restore(instance, to, as, signal).then(({ address }) => address),
      restored.address,
    );
  });

  it("takes no instance for a restored one that isn't", async () => {
    await assert.rejects(host.restore(instance, new Date(), instance, signal), {
      name: "DatabaseError",
      message:
        /^auth-service-postgresql: found an instance of this name, made of something else, expected none/,
    });
  });

  it("says which instance or snapshot isn't there", async () => {
    await assert.rejects(host.recoverable("missing"), {
      name: "DatabaseError",
      message: "missing: found no such instance in RDS, expected one that was made",
    });
    const gone = { label: "gone", finishedAt: new Date() };
    await assert.rejects(host.shadow(instance, gone, signal), { name: "DatabaseError", message: /gone/ });
  });
});
