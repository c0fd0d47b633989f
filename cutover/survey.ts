import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { readLiveRoutes } from "../cluster/liveRoutes";
import type { StackConfig } from "../config/parse";
import type { LiveRoute, Split } from "../migration";
import { Engine } from "./engine";
import { type Project, readWanted } from "./project";
import { type Situation, situationOf } from "./situation";

/** File, cluster and state of a stack, read at the same time. */
export interface Survey {
  readonly config: StackConfig;
  readonly api: KubeApi;
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The splits of the last successful update. */
  readonly applied: ReadonlyMap<RoutedTargetName, Split>;
  readonly engine: Engine;
  readonly situation: Situation;
}

/** @throws ConfigError, UnreachableError, ClusterError, or Error when the state can't be read */
export async function survey(project: Project): Promise<Survey> {
  const config = readWanted(project);
  const api = await KubeApi.connect(config.platform.kubeContext);
  const [live, engine] = await Promise.all([
    readLiveRoutes(api, config.platform.namespace),
    Engine.open({ projectDir: project.dir, stack: project.stack, configFile: project.configFile }),
  ]);
  const applied = await engine.applied();
  return {
    config,
    api,
    live,
    applied,
    engine,
    situation: situationOf({ config, live, applied, now: new Date() }),
  };
}
