import { type RoutedTargetName, routedTargets } from "../catalog";
import type { DaemonAddress } from "./address";
import { type Container, Daemon } from "./daemon";

/** The compose project that the services are moved out of. */
export interface Monorepo {
  readonly daemon: DaemonAddress;
  /** Compose's name of the project. */
  readonly project: string;
  /** The name of each target's container. */
  readonly containers: Readonly<Record<RoutedTargetName, string>>;
}

/** What the project has of each target; one without a container is absent. */
export type Containers = ReadonlyMap<RoutedTargetName, Container>;

/**
 * The targets' containers as they are now, with one call. A container is found by its name within the project: its id
 * is another one whenever compose makes it anew.
 * @throws DaemonError
 */
export async function findContainers(monorepo: Monorepo): Promise<Containers> {
  const listed = await new Daemon(monorepo.daemon).containersOf(monorepo.project);
  return new Map(
    routedTargets.flatMap((target) => {
      const found = listed.find(({ name }) => name === monorepo.containers[target]);
      return found ? [[target, found] as const] : [];
    }),
  );
}
