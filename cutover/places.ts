import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { readLiveRoute } from "../cluster/liveRoutes";
import { type Standby, canTake, readStandbys } from "../cluster/standby";
import type { StackConfig } from "../config/parse";
import { ALL_LEGACY, type LiveRoute, PAST_CONTRACT, believed, formatSplit } from "../migration";
import { contractions, readStepFacts } from "../stack/schemaSteps";
import { liveText } from "./fastRoad";
import { type Road, roadTo } from "./road";

/** Where a target stands when all shall go to legacy. */
export interface Place {
  readonly target: RoutedTargetName;
  readonly live: LiveRoute | undefined;
  /** For people. */
  readonly from: string;
  readonly road: Road;
  readonly legacy: Standby;
  readonly isRetired: boolean;
  /** Legacy can't live with its schema any more. */
  readonly isPastContract: boolean;
}

/** Every target's live route, and whether its legacy serves: all at once. */
export async function findPlaces(api: KubeApi, config: StackConfig): Promise<readonly Place[]> {
  const found = await Promise.all(
    routedTargets.map(async (target) => {
      const [live, legacy] = await Promise.all([
        readLiveRoute(api, config.platform.namespace, target),
        readLegacy(api, config, target),
      ]);
      return { target, live, legacy };
    }),
  );
  const begun = await begunOf(api, config, found);
  return found.map(({ target, live, legacy }) => {
    const wanted = config.targets[target];
    const record = believed(live);
    return {
      target,
      live,
      from: liveText(live),
      road: roadTo(live, { ...wanted, split: ALL_LEGACY, legacy: "standby" }),
      legacy,
      isRetired: (record?.legacy ?? wanted.legacy) === "retired",
      isPastContract: record?.contracted !== undefined || begun.has(target),
    };
  });
}

/** Of one that is done, the route tells. */
async function begunOf(
  api: KubeApi,
  config: StackConfig,
  found: readonly Pick<Place, "target" | "live">[],
): Promise<ReadonlySet<RoutedTargetName>> {
  const live = new Map(
    found.flatMap(({ target, live: route }) => (route === undefined ? [] : [[target, route] as const])),
  );
  try {
    const facts = await readStepFacts(api, config, { live, applied: { steps: new Map() } });
    return new Set(contractions(config, facts).keys());
  } catch {
    // No other target's way to legacy may depend on it.
    return new Set();
  }
}

export async function readLegacy(
  api: KubeApi,
  config: StackConfig,
  target: RoutedTargetName,
): Promise<Standby> {
  const { namespace, legacyHost } = config.platform;
  const { capacity } = config.targets[target];
  return (await readStandbys(api, { target: catalogEntry(target), namespace, legacyHost, capacity })).legacy;
}

/** Whether legacy can take the traffic now, or has it. */
export function isServed({ road, legacy, isRetired }: Place): boolean {
  return road === "there" || canTake(legacy, isRetired);
}

export function placeText({ target, from, road, legacy, isPastContract }: Place): string {
  if (isPastContract) return `${target}: ${from} STAYS; ${PAST_CONTRACT}`;
  const ways: Readonly<Record<Road, string>> = {
    there: "there already",
    fast: `-> ${formatSplit(ALL_LEGACY)}`,
    forward: "",
  };
  return `${target}: ${from} ${ways[road]}; ${legacy.detail}`;
}

export function stayedText({ target, from, legacy, isPastContract }: Place): string {
  if (isPastContract) return `${target} STAYS at ${from}: ${PAST_CONTRACT}.`;
  return `${target} STAYS at ${from}: ${legacy.detail}. Start legacy, then run this again.`;
}
