import { z } from "zod";
import { databaseRole } from "../cluster/names";
import type { OwnPod } from "../cluster/ownPod";
import { instanceClaims, instanceContainers } from "./clusterInstance";

/*
 * Pods that run what a backup holds, or tell what backups there are. They are made of the pod that runs the instance: its
 * image, its settings, its ways to the repository. So they can do all that the original can, and nothing of it has to be
 * known here.
 */

const mountSchema = z.looseObject({ name: z.string() });
const containerSchema = z.looseObject({
  name: z.string(),
  args: z.array(z.string()).default([]),
  volumeMounts: z.array(mountSchema).default([]),
});

const claimTemplateSchema = z.object({ metadata: z.object({ name: z.string() }), spec: z.unknown() });

/** A StatefulSet, as far as it tells what its pods and their volumes are. */
export const instanceSchema = z.object({
  spec: z.object({
    volumeClaimTemplates: z.array(claimTemplateSchema).default([]),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        initContainers: z.array(containerSchema).default([]),
        containers: z.array(containerSchema),
        volumes: z.array(z.looseObject({ name: z.string() })).default([]),
      }),
    }),
  }),
});
export type Instance = z.infer<typeof instanceSchema>;

export interface RestoredPodArgs {
  readonly instance: string;
  readonly name: string;
  readonly namespace: string;
  /** What holds the data: a volume without its name. */
  readonly data: object;
  /** pgBackRest's options of a restore before the server starts: `--type=time` … @default the data is there already */
  readonly restore?: readonly string[];
}

/** What holds the data of a pod that has none. */
export const noData = { emptyDir: {} };

const claimed: readonly string[] = Object.values(instanceClaims);
/** They end by themselves if whoever made them was killed. */
const longestSeconds = { restored: 24 * 3600, repository: 3600 };

export function restoredPod(like: Instance, args: RestoredPodArgs): OwnPod {
  const { instance, name, namespace, data, restore } = args;
  const server = named(like.spec.template.spec.containers, instanceContainers.server, instance);
  return {
    metadata: { name, namespace, labels: labelsOfCopies(like, instance) },
    spec: {
      ...copied(like, instance, data),
      activeDeadlineSeconds: longestSeconds.restored,
      initContainers: restore === undefined ? [] : [restoring(backupOf(like, instance), restore)],
      containers: [
        {
          // It may take its time to come up: what was written since the backup is done again first.
          ...without(server, ["startupProbe", "livenessProbe"]),
          // The last one counts: nothing of a copy gets into the repository of the original.
          args: [...server.args, "-c", "archive_mode=off"],
          terminationMessagePolicy: "FallbackToLogsOnError",
        },
      ],
    },
  };
}

/** Where an instance's repository can be asked while its own pod doesn't run: its container of that name, and no server. */
export function repositoryPod(
  like: Instance,
  { instance, name, namespace }: Pick<RestoredPodArgs, "instance" | "name" | "namespace">,
): OwnPod {
  const container = {
    ...without(backupOf(like, instance), ofSidecar),
    command: ["sleep", String(longestSeconds.repository)],
  };
  return {
    metadata: { name, namespace, labels: labelsOfCopies(like, instance) },
    spec: {
      ...copied(like, instance, noData),
      activeDeadlineSeconds: longestSeconds.repository,
      initContainers: [],
      containers: [container],
    },
  };
}

/** What tells the pods that are made of an instance's own; no Service of it leads to them. */
export function labelsOfCopies({ spec }: Instance, instance: string): Record<string, string> {
  return { ...othersOf(spec.template.metadata.labels, instance), ...databaseRole };
}

/** All but its containers. */
function copied({ spec }: Instance, instance: string, data: object) {
  const { spec: pod } = spec.template;
  const repository = { claimName: claimName(instanceClaims.repository, instance), readOnly: true };
  return {
    ...pod,
    restartPolicy: "Never",
    volumes: [
      ...pod.volumes.filter(({ name: volume }) => !claimed.includes(volume)),
      { ...data, name: instanceClaims.data },
      { name: instanceClaims.repository, persistentVolumeClaim: repository },
    ],
  };
}

/** As the StatefulSet's controller calls it. */
export function claimName(volume: string, instance: string): string {
  return `${volume}-${instance}-0`;
}

/** Without those that make it one of the instance's own pods. */
function othersOf(labels: Readonly<Record<string, string>>, instance: string): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== instance));
}

type Container = z.infer<typeof containerSchema>;

function backupOf({ spec }: Instance, instance: string): Container {
  return named(spec.template.spec.initContainers, instanceContainers.backup, instance);
}

function named(containers: readonly Container[], name: string, instance: string): Container {
  const found = containers.find((each) => each.name === name);
  if (found === undefined)
    throw new Error(`${instance}: found no container ${name} in its pods, expected one`);
  return found;
}

/** What a restore that was broken off has left goes first. */
const restoreScript =
  'rm -rf "$PGBACKREST_PG1_PATH" && mkdir -m 700 "$PGBACKREST_PG1_PATH" && exec pgbackrest "$@" restore';

function restoring(backup: Container, options: readonly string[]): object {
  return {
    ...without(backup, ofSidecar),
    name: "restore",
    command: ["sh", "-c", restoreScript, "restore", ...options],
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

/** What a container that stays has, and one that ends has not. */
const ofSidecar = "args lifecycle livenessProbe ports readinessProbe restartPolicy startupProbe".split(" ");

function without(container: Container, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(container).filter(([key]) => !keys.includes(key)));
}
