import { removeFromStackFile } from "../../config/edit";

/** The local stack's file without its database, which is in the cluster, as no other environment's may be. */
export function withoutDatabase(text: string): string {
  return [
    ["config", "pyairtable:postgresql"],
    ["config", "pyairtable:auth-service", "database"],
  ].reduce(removeFromStackFile, text);
}
