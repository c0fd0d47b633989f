import * as pulumi from "@pulumi/pulumi";
import { routedTargets } from "../catalog";
import { LegacyMonorepo } from "../components/legacyMonorepo";
import type { StackConfig } from "../config/parse";
import { formatAddress, sshOptions } from "../monorepo/address";
import { type Containers, type Monorepo, findContainers } from "../monorepo/containers";
import { DaemonError } from "../monorepo/daemon";

/**
 * Adopts the monorepo's containers. Loaded only where the stack's config names their compose project: the SDK takes
 * its time.
 * @param bringsBack some target goes back in this update: nothing may hold that up
 * @throws DaemonError when the daemon can't be reached, unless the update is a way back
 */
export async function adoptMonorepo(config: StackConfig, bringsBack: boolean): Promise<void> {
  const { monorepo } = config;
  if (monorepo === undefined) return;
  const containers = await findContainers(monorepo).catch((error: unknown) => {
    if (!(error instanceof DaemonError)) throw error;
    if (!bringsBack) throw new DaemonError(`${error.message}; nothing was changed`);
    void pulumi.log.warn(`A way back goes first; the monorepo's containers are left out: ${error.message}`);
    return undefined;
  });
  if (containers === undefined) return;
  new LegacyMonorepo("monorepo", {
    host: formatAddress(monorepo.daemon),
    sshOptions: sshOptions(monorepo.daemon),
    containers: Object.fromEntries(containers),
  });
  sayMissing(config, monorepo, containers);
}

function sayMissing({ targets }: StackConfig, { containers, project }: Monorepo, found: Containers): void {
  const missing = routedTargets.filter(
    (target) => targets[target].legacy === "standby" && !found.has(target),
  );
  if (missing.length === 0) return;
  const names = missing.map((target) => `${containers[target]} (${target})`).join(", ");
  void pulumi.log.warn(
    `pyairtable:monorepo: found no container ${names} in the compose project ${project}, expected one for each target whose legacy is a way back`,
  );
}
