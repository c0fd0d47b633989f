import { databases, machine, volume } from "./awsTypes";
import type { Finding, ResourceCheck } from "./check";
import { type Value, at, isNot, itemsAt, shown } from "./value";

export const encryptedStorage: ResourceCheck = {
  name: "encrypted-storage",
  description: "Every RDS database, EBS volume and disk of an EC2 instance is encrypted.",
  find: ({ type, properties }) => {
    if (databases.includes(type)) return unless(properties, "storageEncrypted");
    if (type === volume) return unless(properties, "encrypted");
    if (type !== machine) return [];
    const disks = itemsAt(properties, "ebsBlockDevices");
    return [
      ...unless(at(properties, "rootBlockDevice"), "encrypted", "rootBlockDevice"),
      ...disks.flatMap((disk) =>
        unless(disk, "encrypted", `ebsBlockDevice ${shown(at(disk, "deviceName"))}`),
      ),
    ];
  },
};

function unless(storage: Value, key: string, part?: string): Finding[] {
  const isEncrypted = at(storage, key);
  if (!isNot(isEncrypted, true)) return [];
  return [
    {
      ...(part !== undefined && { part }),
      found: `${key}: ${shown(isEncrypted)}`,
      expected: "true",
      remedy: "set it before there is data: to encrypt later is to replace",
    },
  ];
}
