import assert from "node:assert/strict";
import { encryptedStorage } from "../../../policy/encryptedStorage";
import { given, said, unknown } from "./resources";

const databases = ["aws:rds/instance:Instance", "aws:rds/cluster:Cluster"];

describe("policy encrypted-storage", () => {
  it("refuses a database or a volume that isn't encrypted", () => {
    for (const type of databases) {
      assert.deepEqual(said(encryptedStorage, given(type, { storageEncrypted: false })), [
        "found storageEncrypted: false, expected true; set it before there is data: to encrypt later is to replace",
      ]);
    }
    assert.match(
      said(encryptedStorage, given("aws:ebs/volume:Volume", {})).join(),
      /^found encrypted: nothing/,
    );
  });

  it("refuses the disks of a machine, each by name", () => {
    const machine = given("aws:ec2/instance:Instance", {
      ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: true }, { deviceName: "/dev/sdc" }],
    });
    const found = said(encryptedStorage, machine);
    assert.equal(found.length, 2);
    assert.match(found.join("\n"), /^rootBlockDevice: found encrypted: nothing/);
    assert.match(found.join("\n"), /^ebsBlockDevice "\/dev\/sdc": found encrypted: nothing/m);
  });

  it("accepts what is encrypted", () => {
    for (const type of databases)
      assert.deepEqual(said(encryptedStorage, given(type, { storageEncrypted: true })), []);
    assert.deepEqual(said(encryptedStorage, given("aws:ebs/volume:Volume", { encrypted: true })), []);
    const machine = given("aws:ec2/instance:Instance", { rootBlockDevice: { encrypted: true } });
    assert.deepEqual(said(encryptedStorage, machine), []);
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(
      said(encryptedStorage, given("aws:rds/instance:Instance", { storageEncrypted: unknown })),
      [],
    );
    const machine = given("aws:ec2/instance:Instance", {
      rootBlockDevice: unknown,
      ebsBlockDevices: [unknown],
    });
    assert.deepEqual(said(encryptedStorage, machine), []);
  });

  it("has no business with other types", () => {
    assert.deepEqual(said(encryptedStorage, given("aws:rds/subnetGroup:SubnetGroup", {})), []);
  });
});
