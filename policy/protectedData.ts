import { buckets, databases, fileSystem, imageRepository, table, volume } from "./awsTypes";
import type { Finding, Resource, ResourceCheck } from "./check";
import { at, isNot, shown } from "./value";

/** What can't be made again once it is gone. */
const holdsData: readonly string[] = [...buckets, ...databases, volume, table, fileSystem, imageRepository];

export const protectedData: ResourceCheck = {
  name: "protected-data",
  description:
    "What holds data in AWS can't be deleted by mistake: it has the option `protect`, and a database `deletionProtection`.",
  find: (resource) => [...unprotected(resource), ...deletable(resource)],
};

function unprotected({ type, isProtected }: Resource): Finding[] {
  if (!holdsData.includes(type) || isProtected) return [];
  return [
    {
      found: "no `protect`",
      expected: "the resource option `protect: true`",
      remedy: "Pulumi then refuses to delete or replace it",
    },
  ];
}

function deletable({ type, properties }: Resource): Finding[] {
  const deletionProtection = at(properties, "deletionProtection");
  if (!databases.includes(type) || !isNot(deletionProtection, true)) return [];
  return [
    {
      found: `deletionProtection: ${shown(deletionProtection)}`,
      expected: "true",
      remedy: "AWS then refuses to delete it, whoever asks",
    },
  ];
}
