import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import type { KubeApi } from "../../cluster/kubeApi";
import { readObject } from "../../cluster/objects";
import { openClusterSession } from "../../database/clusterSession";
import type { DatabaseAddress } from "../../database/instance";
import type { DatabaseRole } from "../../database/roles";
import type { SqlSession } from "../../database/session";
import { postgresqlImage } from "../../local/platform/databaseImages";
import { namespace } from "../faults/agreement";

export interface SessionOf {
  readonly target: RoutedTargetName;
  readonly role: DatabaseRole | "admin";
  /** @default the instance in use */
  readonly address?: DatabaseAddress;
}

/** SQL with a target's database on the local cluster, for as long as `use` takes. */
export async function withSession<T>(
  api: KubeApi,
  of: SessionOf,
  use: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const session = await openClusterSession(api, { namespace, image: postgresqlImage, ...of });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Of the local stack's namespace; of one pod with a name. */
export function podsPath(name = ""): string {
  return `/api/v1/namespaces/${namespace}/pods${name === "" ? "" : `/${name}`}`;
}

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

export async function podNames(api: KubeApi): Promise<readonly string[]> {
  const pods = await readObject(api, podsPath(), podList);
  return (pods?.items ?? []).map(({ metadata }) => metadata.name);
}

/** Whether a command has made it for itself, and deletes it at its end. */
export function isOwnPod(name: string): boolean {
  return /-(shadow|sql|repository)-[0-9a-f]+$|-restore$/.test(name);
}
