import { type RoutedTargetName, catalogEntry, routedTargets } from "../catalog";
import {
  type Backend,
  type LiveRoute,
  type RouteRecord,
  type Split,
  type WantedTarget,
  BACKENDS,
  PAST_CONTRACT,
  believed,
  formatSplit,
  holder,
  waysBack,
} from "../migration";
import type { AlertName } from "../monitoring/table";
import { type Alert, isSameAlert } from "./alert";
import { connectionFailed, healthCheckFailed } from "./lately";

/** What the file asks for of a target, as far as a guard is told. */
export interface GuardedTarget extends Omit<WantedTarget, "database"> {
  readonly database?: { readonly mode: "read-write" | "read-only" };
}

/** All that a decision is made from. */
export interface Situation {
  readonly now: Date;
  /** A target without a route is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** What the file asks for, which decides where a live route can't be believed. */
  readonly wanted: (target: RoutedTargetName) => GuardedTarget;
  /** Targets whose rollback has begun and isn't recorded yet. */
  readonly underWay: ReadonlySet<RoutedTargetName>;
  /** Ids of the transitions that were rolled back already. */
  readonly handled: ReadonlySet<string>;
  /** The triggers that are true now; undefined when Prometheus can't be asked. */
  readonly firing: readonly Alert[] | undefined;
  /**
   * Of which backends an alert was true a moment ago: what is over is seen of one backend before the others, which aren't
   * worse for it.
   */
  readonly lately: (alert: AlertName, target: RoutedTargetName) => ReadonlySet<Backend>;
  /** When each target was last rolled back by this guard. */
  readonly recent: ReadonlyMap<RoutedTargetName, Date>;
  /** Within which several targets' triggers count as one incident, in milliseconds. */
  readonly windowMs: number;
  /**
   * Targets that this guard has made read-only because of an alert that isn't over: who lets them write all the same
   * has seen it, and isn't contradicted.
   */
  readonly protected: ReadonlySet<RoutedTargetName>;
}

export interface RollBack {
  readonly kind: "rollback";
  readonly target: RoutedTargetName;
  readonly alert: Alert;
  /** Where it may lead, best first; whether it serves is looked at when it is carried out. */
  readonly ways: readonly Split[];
  /** What fails itself, and takes no traffic. */
  readonly avoid: ReadonlySet<Backend>;
  /**
   * What fails its health check, or gets no connection to the database, without being found unfit by a trigger: takes
   * traffic only when it is seen to serve.
   */
  readonly doubted: ReadonlySet<Backend>;
  /** Of the live route, where that can be believed. */
  readonly transition?: string;
}

/** The target's data is in danger: nothing is to be written any more. */
export interface Protect {
  readonly kind: "read-only";
  readonly target: RoutedTargetName;
  readonly alert: Alert;
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

export type Decision = RollBack | Protect | Ignore | Shout;

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

/** What one cause may do to every backend: such a trigger, the alert that it is of each of them, and what is said then. */
const shared = new Map<string, { readonly of: AlertName; readonly said: string }>([
  ["DatabaseConnectionsFailing" satisfies AlertName, { of: connectionFailed, said: "its database refuses" }],
  ["HealthCheckFailing" satisfies AlertName, { of: healthCheckFailed, said: "health checks fail" }],
]);
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
  if (alert.protects === true) return decideToProtect(alert, situation);
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
  if (ways.length === 0) {
    const why = record?.contracted === undefined ? "" : `: ${PAST_CONTRACT}`;
    return shout(`there is no standby that could take ${where}${why}`);
  }
  const known = [...alerts, ...(firing ?? [])];
  const to = ways.map(formatSplit).join(" or ");
  const cause = shared.get(alert.name);
  const alike = new Set(
    cause && [
      ...backendsOf(target, ({ name }) => name === cause.of, known),
      ...situation.lately(cause.of, target),
    ],
  );
  if (cause !== undefined && ways.every((way) => isToward(way, alike))) {
    return shout(
      `${cause.said} where it would go back to (${to}) too, or did a moment ago: moving traffic mends nothing`,
    );
  }
  const avoid = new Set([...avoided(target, failing, known), ...alike]);
  const usable = ways.filter((way) => !isToward(way, avoid));
  if (usable.length === 0) return shout(`where it would go back to (${to}) fails itself`);
  return {
    kind: "rollback",
    target,
    alert,
    ways: usable,
    avoid,
    doubted: backendsOf(
      target,
      ({ name }) => name === healthCheckFailed || name === connectionFailed,
      firing ?? [],
    ),
    ...(record !== undefined && { transition: record.transition }),
  };
}

function decideToProtect(alert: Alert, { wanted, firing, ...situation }: Situation): Protect | Ignore {
  const ignore = (why: string): Ignore => ({ kind: "ignore", alert, why });
  const { target } = alert;
  if (target === undefined) return ignore("it names no target that has a route");
  if (!alert.isFiring) return ignore("it is resolved");
  if (firing !== undefined && !firing.some((each) => isSameAlert(each, alert))) {
    return ignore("Prometheus says that it isn't true any more");
  }
  if (!catalogEntry(target).stores.includes("postgresql")) return ignore("it keeps no data in PostgreSQL");
  if (situation.protected.has(target)) return ignore("it was acted on already");
  if (wanted(target).database?.mode === "read-only") return ignore("it is read-only already");
  return { kind: "read-only", target, alert };
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
