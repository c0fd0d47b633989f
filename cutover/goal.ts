import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import { KubeApi } from "../cluster/kubeApi";
import { readLiveRoutes } from "../cluster/liveRoutes";
import { canTake, readStandbys } from "../cluster/standby";
import type { StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";
import { BACKENDS, COLORS, type LiveRoute, believed, isTampered, judgeUpdate } from "../migration";
import { beforeMove } from "./beforeMove";
import { withStackFile } from "./committedFile";
import { liveText } from "./fastRoad";
import { type Project, UsageError } from "./project";
import { Refused, enforce } from "./refused";
import type { Report } from "./report";
import type { Repository } from "./repository";
import { restoredPaths, workflows } from "./restoredPaths";
import { type Road, roadTo } from "./road";
import { configChanges } from "./situation";
import { survey } from "./survey";

/** A good state, and how far the cluster is from it. */
export interface Goal {
  readonly tag: string;
  /** The stack file in it. */
  readonly text: string;
  readonly config: StackConfig;
  readonly api: KubeApi;
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  readonly roads: ReadonlyMap<RoutedTargetName, Road>;
  /** What goes back to it: files or folders, relative to the repository's root. */
  readonly paths: readonly string[];
  /** Files that should, and are left as they are. */
  readonly left: readonly string[];
}

/** @throws UsageError when there is none, or not this one */
export async function chooseGoal(
  repository: Repository,
  stack: string,
  { to, keepTraffic = false }: { readonly to?: string; readonly keepTraffic?: boolean },
  report: Report,
): Promise<Goal> {
  const tags = await repository.goodStates(stack);
  const known = tags.slice(0, shownTags).join(", ") || "none";
  if (to !== undefined) {
    if (!tags.includes(to)) {
      throw new UsageError(`--to: found ${to}, expected a good state of stack ${stack} (newest: ${known})`);
    }
    return goalOf(repository, to, report);
  }
  const isAllowed = (road: Road): boolean => (keepTraffic ? road === "there" : road !== "forward");
  const paths = restoredPaths(repository.path);
  for (const tag of tags) {
    if ((await repository.differencesFrom(tag, paths)).length === 0) continue;
    const goal = await goalOf(repository, tag, report).catch(() => undefined);
    if (goal !== undefined && [...goal.roads.values()].every(isAllowed)) return goal;
  }
  const asks = keepTraffic ? "leaves all traffic where it is" : "asks for nothing but ways back";
  throw new UsageError(
    `found no good state of stack ${stack} that differs and ${asks}, expected one, or --to TAG (newest: ${known})`,
  );
}

/** How many tags an error names. */
const shownTags = 5;

/** @throws StackFileError, ConfigError, or what the cluster's answer throws */
export async function goalOf(repository: Repository, tag: string, report: Report): Promise<Goal> {
  const text = await repository.textIn(tag);
  const config = parseStackFile(text);
  const api = await KubeApi.connect(config.platform);
  const signal = new AbortController().signal;
  const live = await beforeMove(readLiveRoutes(api, config.platform.namespace), { api, report, signal });
  const roads = routedTargets.map(
    (target) => [target, roadTo(live.get(target), config.targets[target])] as const,
  );
  return { tag, text, config, api, live, roads: new Map(roads), ...(await filesOf(repository, tag)) };
}

/** What GitHub runs may not push a change of what it runs. */
async function filesOf(repository: Repository, tag: string): Promise<Pick<Goal, "paths" | "left">> {
  const paths = restoredPaths(repository.path);
  if (process.env["GITHUB_ACTIONS"] !== "true") return { paths, left: [] };
  return {
    paths: paths.filter((each) => each !== workflows),
    left: await repository.differencesFrom(tag, [workflows]),
  };
}

/** @throws Refused for what somebody is editing and would lose */
export async function refuseUncommitted(repository: Repository, { paths }: Goal): Promise<void> {
  const edited = await repository.uncommittedIn(paths);
  if (edited.length === 0) return;
  throw new Refused(
    `found changes that are not committed in ${edited.join(", ")}, expected none: commit or stash them first; nothing was changed.`,
  );
}

/** Ways back are shown to no rule; what the good state asks for beyond them is. @throws Refused */
export async function judgeGoal(project: Project, { text }: Goal): Promise<void> {
  const { judged } = await withStackFile(project, text, survey);
  enforce(judgeUpdate(judged).refused);
}

/** Whatever gets traffic back must serve, or nothing at all is begun. @throws Refused */
export async function requireReceivers({ api, config, live, roads }: Goal): Promise<void> {
  const { namespace, legacyHost } = config.platform;
  const problems = await Promise.all(
    routedTargets.map(async (target) => {
      if (roads.get(target) !== "fast") return [];
      const route = believed(live.get(target));
      const { split, capacity } = config.targets[target];
      const standbys = await readStandbys(api, {
        target: catalogEntry(target),
        namespace,
        legacyHost,
        capacity,
      });
      return BACKENDS.filter((backend) => split[backend] > (route?.split[backend] ?? 0))
        .filter((backend) => !canTake(standbys[backend], backend === "legacy" && route?.legacy === "retired"))
        .map((backend) => `${target}: ${standbys[backend].detail}`);
    }),
  );
  const found = problems.flat();
  if (found.length === 0) return;
  throw new Refused(
    `found what is to get traffic back not ready, expected it to serve; nothing was changed. Start it, or go back further (--to), or to legacy (--level 3).\n  ${found.join("\n  ")}`,
  );
}

/** What going there changes, a line each. */
export async function planText(repository: Repository, goal: Goal): Promise<readonly string[]> {
  const { tag, config, live, paths, left } = goal;
  const files = await repository.differencesFrom(tag, paths);
  return [
    `to ${tag}: ${files.length === 0 ? "git has these files already" : files.join(", ")}`,
    ...(left.length === 0 ? [] : [leftText(goal)]),
    ...routedTargets.flatMap((target) => changesOf(target, live.get(target), config)),
  ];
}

export function leftText({ tag, left }: Goal): string {
  return `left as they are, because GitHub lets no workflow push them: ${left.join(", ")}. From a terminal: cutover rollback --level 2 --to ${tag}`;
}

function changesOf(
  target: RoutedTargetName,
  live: LiveRoute | undefined,
  { targets }: StackConfig,
): readonly string[] {
  const wanted = targets[target];
  if (live === undefined || isTampered(live)) return [`${target}: ${liveText(live)} -> as the file says`];
  const isNew = COLORS.filter((color) => {
    const image = wanted.images[color];
    return image !== undefined && image !== live.images[color];
  });
  return [
    ...configChanges(target, live, wanted),
    ...isNew.map(
      (color) =>
        `${target}: ${color} must start ${wanted.images[color] ?? ""} again; if that image is gone, the update says so and the traffic stays where it is`,
    ),
  ];
}
