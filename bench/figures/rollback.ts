import { backendHeader } from "../../cluster/names";
import { hasFailed } from "../../local/load/shot";
import { lastAnswerAfter } from "../../local/load/statistics";
import { gateway } from "../../local/platform/gateway";
import { acquireArgo } from "../argo/acquire";
import { ArgoRollout } from "../argo/rollout";
import { cutoverRollback } from "../cutover";
import type { Figure, Sample } from "../figure";
import { type Asked, ratePerSecond, shotsDuring } from "../load";
import { ALL_BLUE, type World, succeeded, target } from "../world";
import { watchWrites } from "../writes";

/** One way from blue back to legacy. */
interface Road extends Asked {
  /** Brings all traffic to blue, with legacy warm. */
  readonly cutOver: () => Promise<unknown>;
  readonly rollBack: () => Promise<void>;
  /** The object whose write moves the traffic. */
  readonly written: { readonly collection: string; readonly name: string };
}

/** How long users still meet what was rolled back. */
export const rollback: Figure = {
  name: "rollback",
  title: `from blue back to legacy at ${ratePerSecond} requests/s, until the last answer of blue`,
  measures: { "from the command": "ms", "from the write": "ms", failed: "requests" },
  isTimed: true,
  baseline: "Argo Rollouts",
  acquire: acquireArgo,
  async prepare(world, onEnd) {
    const argo = await ArgoRollout.start(world, onEnd);
    const onStack = {
      target,
      cutOver: () => world.move(ALL_BLUE),
      written: {
        collection: `/apis/gateway.networking.k8s.io/v1/namespaces/${gateway.namespace}/httproutes`,
        name: target,
      },
    };
    const roads: Readonly<Record<string, Road>> = {
      "fast road": { ...onStack, rollBack: () => cutoverRollback(world) },
      "plain road": { ...onStack, rollBack: () => revertAndUp(world) },
      "Argo Rollouts": {
        ...argo.asked,
        cutOver: () => argo.switchTo("blue"),
        rollBack: () => argo.write("legacy"),
        written: argo.written,
      },
    };
    return Object.entries(roads).map(([name, road]) => ({ name, run: () => timeRoad(world, name, road) }));
  },
};

async function revertAndUp({ stack }: World): Promise<void> {
  await stack.revert(1);
  succeeded(await stack.up());
}

async function timeRoad(world: World, name: string, road: Road): Promise<Sample> {
  await road.cutOver();
  const watch = await watchWrites(road.written.collection, road.written.name);
  try {
    let commandAt = 0;
    const shots = await shotsDuring(world, road, async () => {
      commandAt = Date.now();
      await road.rollBack();
    });
    const writtenAt = watch.firstSince(commandAt);
    const fromCommand = lastAnswerAfter(shots, "blue", commandAt);
    if (writtenAt === undefined || fromCommand === undefined) {
      throw new Error(
        `${name}: found ${writtenAt === undefined ? `no write of ${road.written.name}` : `no answer of blue by ${road.backendHeader ?? backendHeader}`} after the command, expected one`,
      );
    }
    const last = shots.reduce((latest, shot) => (shot.sentAt > latest.sentAt ? shot : latest));
    if (last.backend !== "legacy") {
      throw new Error(
        `${name}: found ${last.backend ?? "nobody"} answering a second after the command, expected legacy`,
      );
    }
    return {
      "from the command": fromCommand,
      "from the write": Math.max(0, commandAt + fromCommand - writtenAt),
      failed: shots.filter(hasFailed).length,
    };
  } finally {
    watch.close();
  }
}
