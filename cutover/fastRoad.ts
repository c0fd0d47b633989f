import { type RoutedTarget, catalogEntry } from "../catalog";
import type { RoutedTargetName } from "../catalog";
import { type HttpRoute, httpRoute } from "../cluster/httpRoute";
import type { KubeApi } from "../cluster/kubeApi";
import { readLiveRoute } from "../cluster/liveRoutes";
import { addressOf } from "../cluster/names";
import { writeRoute } from "../cluster/routeWriter";
import { type Fitness, type Standby, fitnesses, readStandbys } from "../cluster/standby";
import type { StackConfig, TargetConfig } from "../config/parse";
import {
  type Backend,
  type LiveRoute,
  type Split,
  type WantedTarget,
  PAST_CONTRACT,
  believed,
  formatSplit,
  holder,
  isTampered,
  nextRecord,
  splitsEqual,
  waysBack,
} from "../migration";

/** There is no backend that could take the traffic. */
export class NoWayBackError extends Error {
  override readonly name = "NoWayBackError";
}

/** Where a rollback leads, decided from the live route. */
export interface WayBack {
  readonly target: RoutedTarget;
  /** Undefined where the route is missing. */
  readonly live: LiveRoute | undefined;
  /** Where the traffic shall be. */
  readonly split: Split;
  /** The traffic is there already; only the record may be missing. */
  readonly isThere: boolean;
  readonly standby: Standby;
  /** The route that brings it there, whole. */
  readonly route: HttpRoute<string>;
}

/** Backends that run, and about which something is known. */
export interface Known {
  /** They fail: they take no traffic. */
  readonly failing: ReadonlySet<Backend>;
  /** Their probes fail: they take traffic only when they are seen to serve from here. */
  readonly doubted: ReadonlySet<Backend>;
}

const nothingKnown: Known = { failing: new Set(), doubted: new Set() };

/**
 * Reads the live route and who could take the traffic, at once, and decides where to go back to.
 * @throws NoWayBackError, UnreachableError, or ClusterError
 */
export async function findWayBack(
  api: KubeApi,
  config: StackConfig,
  name: RoutedTargetName,
  known = nothingKnown,
): Promise<WayBack> {
  const target = catalogEntry(name);
  const wanted = config.targets[name];
  const { namespace, legacyHost } = config.platform;
  const [live, standbys] = await Promise.all([
    readLiveRoute(api, namespace, name),
    readStandbys(api, { target, namespace, legacyHost, capacity: wanted.capacity }),
  ]);
  const arrived = arrivedAt(live);
  const split = arrived ?? fittest(name, live, wanted, standbys, known);
  return {
    target,
    live,
    split,
    isThere: arrived !== undefined,
    standby: standbys[receiver(split)],
    route: routeFor(config, name, live, split, api.now()),
  };
}

/** @returns the route as the API server has it now */
export function takeWayBack(api: KubeApi, { target, route }: WayBack): Promise<LiveRoute> {
  return writeRoute(api, target.name, route);
}

/** The route of a target with another split, and nothing else changed where the live one can be believed. */
export function routeFor(
  config: StackConfig,
  name: RoutedTargetName,
  live: LiveRoute | undefined,
  split: Split,
  now: Date,
): HttpRoute<string> {
  const before = believed(live);
  const { images, legacy, adopt, contents } = config.targets[name];
  // Without its database: what the schema is, only an update changes.
  const wanted: WantedTarget = {
    images: before?.images ?? images,
    legacy: before?.legacy ?? legacy,
    adopt,
    ...(contents && { contents }),
    split,
    // Who has traffic is not retired.
    ...(split.legacy > 0 && { legacy: "standby" }),
  };
  return httpRoute({
    target: catalogEntry(name),
    namespace: config.platform.namespace,
    gateway: config.platform.namespace,
    ...addressOf(name, config.platform),
    record: nextRecord(name, before, wanted, now),
  });
}

/** All traffic is where a rollback would lead. */
function arrivedAt(live: LiveRoute | undefined): Split | undefined {
  if (live === undefined || isTampered(live)) return undefined;
  const full = holder(live.split);
  const isRolledBack = full !== undefined && live.heldFull === full && live.legacy === "retired";
  return full === "legacy" || isRolledBack ? live.split : undefined;
}

function fittest(
  name: RoutedTargetName,
  live: LiveRoute | undefined,
  wanted: TargetConfig,
  standbys: Readonly<Record<Backend, Standby>>,
  { failing, doubted }: Known,
): Split {
  const ways = waysBack(live ?? { tampered: "it is missing" }, wanted).filter(
    (split) => !failing.has(receiver(split)),
  );
  const fitness = (split: Split): Fitness => standbys[receiver(split)].fitness;
  const isUsable = (split: Split): boolean =>
    fitness(split) !== "down" && !(fitness(split) === "unknown" && doubted.has(receiver(split)));
  const usable = ways.filter(isUsable);
  const [best] = usable.toSorted((a, b) => fitnesses.indexOf(fitness(a)) - fitnesses.indexOf(fitness(b)));
  if (best !== undefined) return best;
  const from = live === undefined || isTampered(live) ? "its traffic" : formatSplit(live.split);
  const none =
    believed(live)?.contracted === undefined
      ? "No standby is kept."
      : `No standby is kept: ${PAST_CONTRACT}.`;
  const why = ways.map((split) => standbys[receiver(split)].detail).join("; ");
  throw new NoWayBackError(
    `${name}: found no backend that could take ${from}, expected a standby that serves; no traffic was moved. ${why || none}`,
  );
}

function receiver(split: Split): Backend {
  return holder(split) ?? "legacy";
}

/** What the live route holds, for people. */
export function liveText(live: LiveRoute | undefined): string {
  if (live === undefined) return "no route";
  return isTampered(live) ? `a route that was changed by hand (${live.tampered})` : formatSplit(live.split);
}

/** Whether the live route holds this split, told by a record that can be believed. */
export function holds(live: LiveRoute | undefined, split: Split): boolean {
  return live !== undefined && !isTampered(live) && splitsEqual(live.split, split);
}
