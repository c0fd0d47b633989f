import { databaseInstances } from "./awsTypes";
import type { ResourceCheck } from "./check";
import { at, isNot, shown } from "./value";

export const privateDatabases: ResourceCheck = {
  name: "private-databases",
  description: "No RDS database has a public address.",
  find: ({ type, properties }) => {
    const isPublic = at(properties, "publiclyAccessible");
    if (!databaseInstances.includes(type) || !isNot(isPublic, false)) return [];
    return [
      {
        found: `publiclyAccessible: ${shown(isPublic)}`,
        expected: "false",
        remedy: "who may reach it is its security group's to say, from private subnets",
      },
    ];
  },
};
