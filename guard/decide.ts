import { type RoutedTargetName, routedTargets } from "../catalog";
import {
  type Backend,
  type LiveRoute,
  type RouteRecord,
  type Split,
  type WantedTarget,
  BACKENDS,
  believed,
  formatSplit,
  holder,
  waysBack,
} from "../migration";
import type { AlertName } from "../monitoring/table";
import { type Alert, isSameAlert } from "./alert";

/** All that a decision is made from. */
export interface Situation {
  readonly now: Date;
  /** A target without a route is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** What the file asks for, which decides where a live route can't be believed. */
  readonly wanted: (target: RoutedTargetName) => WantedTarget;
  /** Targets whose rollback has begun and isn't recorded yet. */
  readonly underWay: ReadonlySet<RoutedTargetName>;
  /** Ids of the transitions that were rolled back already. */
  readonly handled: ReadonlySet<string>;
  /** The triggers that are true now; undefined when Prometheus can't be asked. */
  readonly firing: readonly Alert[] | undefined;
  /** When each target was last rolled back by this guard. */
  readonly recent: ReadonlyMap<RoutedTargetName, Date>;
  /** Within which several targets' triggers count as one incident, in milliseconds. */
  readonly windowMs: number;
}

export interface RollBack {
  readonly kind: "rollback";
  readonly target: RoutedTargetName;
  readonly alert: Alert;
  /** Where it may lead, best first; whether it serves is looked at when it is carried out. */
  readonly ways: readonly Split[];
  /** What fails itself, and takes no traffic. */
  readonly avoid: ReadonlySet<Backend>;
  /** What fails its health check, which is no trigger of it: takes traffic only when it is seen to serve. */
  readonly doubted: ReadonlySet<Backend>;
  /** Of the live route, where that can be believed. */
  readonly transition?: string;
}

/** Nothing is to be done. */
export interface Ignore {
  readonly kind: "ignore";
  readonly alert: Alert;
  readonly why: string;
}

/** Something would have to be done, and can't: somebody must look. */
export interface Shout {
  readonly kind: "shout";
  readonly target: RoutedTargetName;
  readonly alert: Alert;
  readonly why: string;
}

export type Decision = RollBack | Ignore | Shout;

export interface Decided {
  /** One per alert, in their order. */
  readonly decisions: readonly Decision[];
  /** 2 when several targets fail together. */
  readonly level: 1 | 2;
  /** The targets that fail together, those that were rolled back within the window among them. */
  readonly together: readonly RoutedTargetName[];
  /** So many fail that the migration itself is in question: a human is asked for level 3, which is never begun here. */
  readonly asksForLevel3: boolean;
}

/** Of legacy too, which has no triggers. */
const healthCheckFailed: AlertName = "HealthCheckFailed";
/** From how many targets on it is an incident of the whole repository. */
const several = 2;
/** From how many on the migration itself is in question: half of the routed ones. */
const half = routedTargets.length / 2;

/** What shall be done about these alerts. */
export function decide(alerts: readonly Alert[], situation: Situation): Decided {
  const begun = new Set(situation.underWay);
  const decisions = alerts.map((alert) => {
    const decision = decideOne(alert, alerts, { ...situation, underWay: begun });
    if (decision.kind === "rollback") begun.add(decision.target);
    return decision;
  });
  const since = situation.now.getTime() - situation.windowMs;
  const recent = [...situation.recent].filter(([, at]) => at.getTime() >= since).map(([target]) => target);
  const now = decisions.flatMap((each) => (each.kind === "rollback" ? [each.target] : []));
  const together = [...new Set([...recent, ...now])];
  return {
    decisions,
    level: together.length >= several ? 2 : 1,
    together,
    asksForLevel3: together.length >= half,
  };
}

function decideOne(alert: Alert, alerts: readonly Alert[], situation: Situation): Decision {
  const ignore = (why: string): Ignore => ({ kind: "ignore", alert, why });
  const { target, backend } = alert;
  if (!alert.isTrigger) return ignore("it is no trigger of the plan (no label action=rollback)");
  if (target === undefined) return ignore("it names no target that has a route");
  if (!alert.isFiring) return ignore("it is resolved");
  if (situation.underWay.has(target)) return ignore("a rollback of this target is under way");
  const { firing, live } = situation;
  if (firing !== undefined && !firing.some((each) => isSameAlert(each, alert))) {
    return ignore("Prometheus says that it isn't true any more");
  }
  const route = live.get(target);
  const record = believed(route);
  if (firing === undefined && record !== undefined && situation.handled.has(record.transition)) {
    return ignore("this transition was rolled back already, and Prometheus can't be asked");
  }
  const failing = backend ?? (record && gainer(record));
  if (record !== undefined) {
    if (failing !== undefined && record.split[failing] === 0) return ignore(`${failing} carries no traffic`);
    if (failing === undefined) return ignore("no backend has gained traffic");
    if (backend === undefined && isBack(record)) return ignore("its traffic is back already");
  }
  const shout = (why: string): Shout => ({ kind: "shout", target, alert, why });
  const ways = waysBack(route ?? { tampered: "it is missing" }, situation.wanted(target));
  const where = record === undefined ? "its traffic" : formatSplit(record.split);
  if (ways.length === 0) return shout(`there is no standby that could take ${where}`);
  const avoid = avoided(target, failing, [...alerts, ...(firing ?? [])]);
  const usable = ways.filter((way) => !isToward(way, avoid));
  if (usable.length === 0) {
    const to = ways.map(formatSplit).join(" or ");
    return shout(`where it would go back to (${to}) fails itself`);
  }
  return {
    kind: "rollback",
    target,
    alert,
    ways: usable,
    avoid,
    doubted: backendsOf(target, (each) => each.name === healthCheckFailed, firing ?? []),
    ...(record !== undefined && { transition: record.transition }),
  };
}

/** The backend that gained traffic last: whom an alert of the whole target means. */
function gainer({ split, previous }: RouteRecord): Backend | undefined {
  const gains = BACKENDS.filter((backend) => split[backend] > previous[backend]);
  return gains.length > 0 ? gains[0] : holder(split);
}

/** All traffic is where a rollback leads: what users reported in the last minutes is over with that. */
function isBack({ split, heldFull }: RouteRecord): boolean {
  const full = holder(split);
  return full !== undefined && (full === "legacy" || full === heldFull);
}

/** The backends of a target that triggers are true of. */
function avoided(
  target: RoutedTargetName,
  failing: Backend | undefined,
  alerts: readonly Alert[],
): ReadonlySet<Backend> {
  const found = backendsOf(target, ({ isTrigger }) => isTrigger, alerts);
  return new Set(failing === undefined ? found : [failing, ...found]);
}

/** The backends of a target that such alerts are true of. */
function backendsOf(
  target: RoutedTargetName,
  isMeant: (alert: Alert) => boolean,
  alerts: readonly Alert[],
): ReadonlySet<Backend> {
  const meant = alerts.filter((each) => each.target === target && each.isFiring && isMeant(each));
  return new Set(meant.flatMap(({ backend }) => (backend === undefined ? [] : [backend])));
}

function isToward(way: Split, avoid: ReadonlySet<Backend>): boolean {
  const receiver = holder(way);
  return receiver !== undefined && avoid.has(receiver);
}
