import path from "node:path";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import type { Toolbox } from "../../tools/acquire";
import { stateDir } from "../paths";
import ports from "../ports.json";
import { expectOk, expectOpen } from "./http";
import { hostAddress } from "./network";
import type { Part } from "./processes";

/** The service file of libpq that tells a target's legacy where its database is. */
export const databaseFile = (target: RoutedTargetName): string =>
  path.join(stateDir, `legacy-${target}-database.conf`);
/** The file's only service. */
export const databaseService = "legacy";

/** The signing key of the local stand-ins: the one in Pulumi.local.yaml, known to all and worth nothing. */
export const signingKeyEnvironment = { SIGNING_KEY: "local-stand-in-signing-key" };

/** The queue that `automation` consumes: a real Redis. */
export function queue(tools: Toolbox): Part {
  return {
    name: "redis",
    command: [
      tools.path("redis-server"),
      ...["--port", String(ports.redis)],
      ...["--bind", "127.0.0.1", hostAddress],
      ...["--protected-mode", "no"],
      ...["--save", ""],
      ...["--appendonly", "no"],
      ...["--dir", stateDir],
      // Its title would overwrite the mark in its environment.
      ...["--set-proc-title", "no"],
    ],
    ready: () => expectOpen("127.0.0.1", ports.redis),
  };
}

/** The monorepo's services, outside the cluster and outside the stack, each on its own port of the machine's address. */
export function legacyServices(tools: Toolbox, standin: string): Part[] {
  return routedTargets.map((target): Part => {
    const { legacyPort: port } = catalogEntry(target);
    return {
      name: `legacy-${target}`,
      command: [standin, "serve"],
      environment: {
        PODINFO: tools.path("podinfo"),
        HOST: hostAddress,
        PORT: String(port),
        PYAIRTABLE_TARGET: target,
        PYAIRTABLE_BACKEND: "legacy",
        INNER_PORT: String(ports[`podinfo-${target}`]),
        ...special(target),
        ...databaseEnvironment(target),
      },
      configFiles: [standin],
      ready: () => expectOk(`http://${hostAddress}:${port}/readyz`),
    };
  });
}

/**
 * Where libpq finds the target's database, once somebody has made one and told its legacy of it (`local/legacyDatabase.ts`):
 * a process outside the cluster is older than any database in it.
 */
function databaseEnvironment(target: RoutedTargetName): Record<string, string> {
  if (!catalogEntry(target).stores.includes("postgresql")) return {};
  return { PGSERVICEFILE: databaseFile(target), PGSERVICE: databaseService, DATABASE_POOL_SIZE: "10" };
}

function special(target: RoutedTargetName): Record<string, string> {
  switch (target) {
    case "auth-service":
      return signingKeyEnvironment;
    case "mcp-server":
      return { MCP_TOOLS: "14" };
    case "automation":
      return {
        CONSUMER_SWITCH: path.join(stateDir, "legacy-automation-consumer"),
        QUEUE: "automation",
        QUEUE_ADDRESS: `${hostAddress}:${ports.redis}`,
      };
    default:
      return {};
  }
}
