import type { RoutedTargetName } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { readLiveRoutes } from "../cluster/liveRoutes";
import { whereabouts } from "../cluster/whereabouts";
import type { StackConfig } from "../config/parse";
import { judged } from "../config/judged";
import { type Finding, evidenceOf, gatherEvidence } from "../evidence/ask";
import type { JudgeInput, LiveRoute, StagingEvidence } from "../migration";
import type { Applied } from "../stack/outputs";
import { contractions, readSteps } from "../stack/schemaSteps";
import { Engine, wordsOf } from "./engine";
import { type Project, readWanted } from "./project";
import { type Situation, situationOf } from "./situation";

/** File, cluster and state of a stack, read at the same time. */
export interface Survey {
  readonly config: StackConfig;
  readonly api: KubeApi;
  /** Which stack, account and cluster this is, and what is wrong with this machine's clock if anything is. */
  readonly head: readonly [whereabouts: string, ...warnings: string[]];
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** Of the last successful update. */
  readonly applied: Applied;
  /** What the rules are told of the file as it is. */
  readonly judged: JudgeInput;
  /** What was measured of the colours that are on their way; undefined where the stack wants no evidence. */
  readonly findings: readonly Finding[] | undefined;
  readonly engine: Engine;
  readonly situation: Situation;
}

/** @throws ConfigError, UnreachableError, ClusterError, or Error when the state can't be read */
export async function survey(project: Project): Promise<Survey> {
  const config = readWanted(project);
  const api = await KubeApi.connect(config.platform);
  const [live, engine] = await Promise.all([
    readLiveRoutes(api, config.platform.namespace),
    Engine.open({ projectDir: project.dir, stack: project.stack, configFile: project.configFile }),
  ]);
  const now = api.now();
  const [{ applied, facts: steps }, staging, findings] = await Promise.all([
    engine.applied().then((left) => readSteps(api, config, { live, applied: left })),
    stagingOf(engine, config),
    gatherEvidence(config, live, now),
  ]);
  const facts = {
    live,
    staging,
    evidence: evidenceOf(findings),
    prepared: steps.evidence,
    contractions: contractions(config, steps),
    now,
  };
  return {
    config,
    api,
    head: [
      whereabouts(project.stack, config.platform, api),
      ...(api.clockWarning === undefined ? [] : [api.clockWarning]),
    ],
    live,
    applied,
    judged: judged(config, applied, facts),
    findings,
    engine,
    situation: situationOf({ config, applied, ...facts }),
  };
}

async function stagingOf(engine: Engine, { staging }: StackConfig): Promise<StagingEvidence | undefined> {
  if (staging === undefined) return undefined;
  try {
    return (await engine.appliedOf(staging.stack)).completed;
  } catch (error) {
    return { unreadable: wordsOf(error) };
  }
}
