import { randomBytes } from "node:crypto";
import type { KubeApi } from "../cluster/kubeApi";
import { deleteOwnPod, startOwnPod } from "../cluster/ownPod";
import { type PodCommand, collectInPod } from "../cluster/podExec";
import { reason } from "../cluster/thrown";
import { instanceContainers } from "./clusterInstance";
import { DatabaseError } from "./host";
import type { Called } from "./pgBackRest";
import { type Instance, repositoryPod } from "./restoredPod";

/** Where an instance's repository is asked. */
export interface RepositoryAccess {
  readonly call: (command: readonly string[]) => Promise<Called>;
  /** Why it isn't the instance's own pod. */
  readonly instead?: string;
}

export interface WantedRepository {
  readonly namespace: string;
  readonly instance: string;
  /** What its own pod is made of. */
  readonly read: () => Promise<Instance>;
}

const readyWithinSeconds = 60;

/**
 * Has an instance's repository asked in the instance's own pod, or, while that doesn't run, in one that is made for it and
 * only reads.
 * @throws DatabaseError when neither can be had
 */
export async function withRepository<T>(
  api: KubeApi,
  { namespace, instance, read }: WantedRepository,
  use: (access: RepositoryAccess) => Promise<T>,
): Promise<T> {
  const container = instanceContainers.backup;
  const within =
    (pod: string): RepositoryAccess["call"] =>
    (command) =>
      collectInPod(api, { namespace, pod, container, command });
  const own = { namespace, pod: `${instance}-0`, container, command: ["true"] };
  const instead = await whyNot(api, own);
  if (instead === undefined) return use({ call: within(own.pod) });
  const name = `${instance}-repository-${randomBytes(3).toString("hex")}`;
  const pod = repositoryPod(await read(), { instance, name, namespace });
  await startOwnPod(api, pod, { withinSeconds: readyWithinSeconds }).catch((error: unknown) => {
    throw new DatabaseError(
      `${instance}: its backups can't be asked for: ${instead}; nor by a pod of their own: ${reason(error)}`,
    );
  });
  try {
    return await use({ call: within(name), instead });
  } finally {
    await deleteOwnPod(api, namespace, name);
  }
}

/** Why nothing can be run there. */
async function whyNot(api: KubeApi, command: PodCommand): Promise<string | undefined> {
  try {
    await collectInPod(api, command);
    return undefined;
  } catch (error) {
    return `the pod ${command.pod} doesn't run (${reason(error)})`;
  }
}
