import type { RoutedTargetName } from "../catalog";
import { ALL_LEGACY, type LiveRoute, believed, formatSplit, nextRecord } from "../migration";
import { alertText } from "./alert";
import { type Decided, type GuardedTarget, decide } from "./decide";
import type { Delivery, Incident } from "./incidentFile";

/** What would be done about one delivery. */
export interface Replayed {
  readonly at: string;
  readonly level: 1 | 2;
  readonly asksForLevel3: boolean;
  readonly decisions: readonly {
    readonly alert: string;
    readonly do: "rollback" | "read-only" | "ignore" | "shout";
    readonly target?: RoutedTargetName;
    readonly from?: string;
    readonly to?: string;
    readonly why?: string;
  }[];
}

/** Decides as the guard would, on the routes as its own decisions leave them. All that runs is taken to serve. */
export function replay({ routes, modes, deliveries }: Incident, windowMs: number): readonly Replayed[] {
  const live = new Map(routes);
  const data = new Map(modes);
  const recent = new Map<RoutedTargetName, Date>();
  const handled = new Set<string>();
  return deliveries.map((delivery) => {
    const decided = decide(delivery.alerts, {
      now: delivery.at,
      live,
      wanted: (target) => {
        const mode = data.get(target);
        return { ...nothingWanted, ...(mode && { database: { mode } }) };
      },
      protected: new Set(),
      underWay: new Set(),
      handled,
      firing: firingIn(delivery),
      lately: () => new Set(),
      recent,
      windowMs,
    });
    const told = tell(delivery, decided, live);
    for (const each of decided.decisions) {
      if (each.kind === "read-only") data.set(each.target, "read-only");
      const [split] = each.kind === "rollback" ? each.ways : [];
      if (each.kind !== "rollback" || split === undefined) continue;
      const before = believed(live.get(each.target));
      if (before !== undefined) handled.add(before.transition);
      const wanted = {
        split,
        images: before?.images ?? {},
        legacy: before?.legacy ?? "standby",
        adopt: false,
      };
      live.set(each.target, nextRecord(each.target, before, wanted, delivery.at));
      recent.set(each.target, delivery.at);
    }
    return told;
  });
}

function firingIn({ prometheus, alerts }: Delivery): Delivery["alerts"] | undefined {
  if (prometheus === "unreachable") return undefined;
  return prometheus === "agrees" ? alerts.filter(({ isFiring }) => isFiring) : [];
}

function tell({ at }: Delivery, decided: Decided, live: ReadonlyMap<RoutedTargetName, LiveRoute>): Replayed {
  const { level, asksForLevel3 } = decided;
  const decisions = decided.decisions.map((each) => {
    const alert = alertText(each.alert);
    if (each.kind === "ignore") return { alert, do: each.kind, why: each.why };
    if (each.kind === "shout") return { alert, do: each.kind, target: each.target, why: each.why };
    if (each.kind === "read-only") return { alert, do: each.kind, target: each.target };
    const [to] = each.ways;
    const from = believed(live.get(each.target))?.split;
    return {
      alert,
      do: each.kind,
      target: each.target,
      ...(from && { from: formatSplit(from) }),
      ...(to && { to: formatSplit(to) }),
    };
  });
  return { at: at.toISOString(), level, asksForLevel3, decisions };
}

/** A recorded route is believed, so nothing of this decides but for a target that the record leaves out. */
const nothingWanted: GuardedTarget = { split: ALL_LEGACY, images: {}, legacy: "standby", adopt: false };

/** For people, an alert a line. */
export function replayText(replayed: readonly Replayed[]): string {
  return replayed
    .flatMap(({ at, level, asksForLevel3, decisions }) => [
      `${at}${decisions.some((each) => each.do === "rollback") ? `  level ${level}` : ""}`,
      ...decisions.map((each) => {
        const what = {
          rollback: `ROLL BACK ${each.target ?? ""}: ${each.from ?? ""} -> ${each.to ?? ""}`,
          "read-only": `READ-ONLY: ${each.target ?? ""}`,
          ignore: `ignore: ${each.why ?? ""}`,
          shout: `NOT TOUCHED, somebody must look: ${each.why ?? ""}`,
        }[each.do];
        return `  ${each.alert}: ${what}`;
      }),
      ...(asksForLevel3 ? ["  A human is asked for level 3; nothing of it is begun."] : []),
    ])
    .join("\n");
}
