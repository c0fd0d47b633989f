import { adminKubeconfig } from "../../local/paths";
import { ALL_LEGACY } from "../../migration";
import { startApiProxy } from "../../test/support/apiProxy";
import type { Figure, Sample } from "../figure";
import { ALL_BLUE } from "../world";

type Work = (environment: NodeJS.ProcessEnv) => Promise<unknown>;

/** What the API server is asked; grows with the distance to it. */
export const calls: Figure = {
  name: "calls",
  title: "requests to the API server",
  measures: { preview: "calls", "update to blue": "calls", "update to legacy": "calls" },
  isTimed: false,
  baseline: "naive",
  async prepare(world) {
    const naive = await world.program("naive");
    return [
      {
        name: "local",
        run: () =>
          countAll({
            preview: (environment) => world.preview({ environment }),
            "update to blue": (environment) => world.move(ALL_BLUE, { environment }),
            "update to legacy": (environment) => world.move(ALL_LEGACY, { environment }),
          }),
      },
      {
        name: "naive",
        run: () =>
          countAll({
            preview: (environment) => naive.preview(environment),
            "update to blue": (environment) => naive.up(100, environment),
            "update to legacy": (environment) => naive.up(0, environment),
          }),
      },
    ];
  },
};

/** The calls of each work, and beside the sums what was asked for: "preview: get deployments". */
async function countAll(works: Readonly<Record<string, Work>>): Promise<Sample> {
  const sample: Record<string, number> = {};
  for (const [what, work] of Object.entries(works)) {
    const proxy = await startApiProxy({ kubeconfig: adminKubeconfig });
    try {
      await work({ KUBECONFIG: proxy.kubeconfigFile });
    } finally {
      await proxy.close();
    }
    sample[what] = [...proxy.counts.values()].reduce((sum, count) => sum + count, 0);
    for (const [call, count] of proxy.counts) sample[`${what}: ${call}`] = count;
  }
  return sample;
}
