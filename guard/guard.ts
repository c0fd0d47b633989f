import { type RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { readLiveRoute, readLiveRoutes } from "../cluster/liveRoutes";
import { hostnameOf } from "../cluster/names";
import { proveSplit } from "../cluster/proof";
import type { StackConfig } from "../config/parse";
import { type Known, type WayBack, findWayBack, liveText, takeWayBack } from "../cutover/fastRoad";
import { RouteHold } from "../cutover/routeHold";
import { reason } from "../cluster/thrown";
import { type Backend, type Split, believed, formatSplit, splitHash, splitsEqual } from "../migration";
import { type Alert, alertText } from "./alert";
import type { Chat } from "./chat";
import { type Decided, type RollBack, decide } from "./decide";
import type { Executor } from "./executor";
import { level3Text, movedText, notMovedText, shoutText, supersededText } from "./incident";
import type { Intent, Intents } from "./intents";
import type { Log } from "./log";
import type { GuardMetrics } from "./metrics";
import { type ActiveAlerts, activeAlerts } from "./prometheus";
import type { AlertName } from "../monitoring/table";
import { Protector } from "./protector";
import { Recorder } from "./recorder";
import { Lately, healthCheckFailed } from "./lately";

export interface GuardOptions {
  readonly stack: string;
  /** What the stack's file says now. */
  readonly config: () => Promise<StackConfig>;
  readonly api: () => Promise<KubeApi>;
  /** @default alerts are believed */
  readonly prometheus: URL | undefined;
  readonly intents: Intents;
  readonly executor: Executor;
  readonly chat: Chat;
  readonly log: Log;
  readonly metrics: GuardMetrics;
  /** Within which several targets' triggers count as one incident, in milliseconds. */
  readonly windowMs: number;
  /** For how long who failed a health check isn't taken for well, in milliseconds. */
  readonly unwellMs: number;
  /** Within which the end of what all backends have suffered may be seen of one and not yet of another, in milliseconds. */
  readonly recoveringMs: number;
}

/** How long the same thing isn't said again, in ms. */
const quietMs = 60 * 60_000;

/** Rolls back what triggers ask for: the route at once, the record after it. */
export class Guard {
  private readonly underWay = new Set<RoutedTargetName>();
  private readonly handled = new Set<string>();
  private readonly recent = new Map<RoutedTargetName, Date>();
  private readonly said = new Map<string, number>();
  /** What others have left, until it is taken up. */
  private readonly cutShort = new Map<RoutedTargetName, Intent>();
  private readonly lately = new Lately();
  private readonly recorder: Recorder;
  private readonly protector: Protector;
  /** One decision after the other: each knows what the one before has begun. */
  private deciding: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: GuardOptions) {
    const isTogether = (): boolean => this.recentTargets().length > 1;
    this.recorder = new Recorder({ ...options, isTogether });
    this.protector = new Protector(options);
  }

  /**
   * Decides about alerts, and moves what has to be moved.
   * @throws Error when traffic should have been moved and wasn't, so that whoever sent the alerts sends them again
   */
  async take(alerts: readonly Alert[]): Promise<Decided> {
    const arrivedAt = performance.now();
    for (const { target, protects, isFiring } of alerts) {
      if (target !== undefined && protects === true && !isFiring) this.protector.isOver(target);
    }
    const decision = this.deciding.then(() => this.decideNow(alerts));
    this.deciding = decision.catch(() => undefined);
    const decided = await decision;
    this.tell(decided);
    for (const each of decided.decisions) if (each.kind === "read-only") this.protector.add(each);
    const rollbacks = decided.decisions.filter((each) => each.kind === "rollback");
    const moves = rollbacks.map((each) => this.rollBack(each, decided, arrivedAt));
    const failed = (await Promise.allSettled(moves)).find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason as Error;
    return decided;
  }

  /** Looks by itself for triggers that fire: Alertmanager may be down, or its message lost. */
  async look(): Promise<void> {
    const active = await this.askPrometheus();
    if (active === undefined) return;
    const wanted = active.firing.filter(({ isTrigger, protects }) => isTrigger || protects === true);
    for (const target of [...this.protector.targets]) {
      if (!active.active.some((each) => each.protects === true && each.target === target)) {
        this.protector.isOver(target);
      }
    }
    if (wanted.length > 0) await this.take(wanted);
  }

  /** Takes up what nobody is at work on any more. @throws Error when it can't be known, or be done yet */
  async recover(): Promise<void> {
    const { intents, log } = this.options;
    for (const intent of await intents.left()) this.cutShort.set(intent.target, intent);
    for (const [target, intent] of this.cutShort) {
      this.cutShort.delete(target);
      if (this.underWay.has(target)) continue;
      this.underWay.add(target);
      this.recent.set(target, intent.since);
      log.info("taking up a rollback that was cut short", { ...written(intent) });
      await this.takeUp(intent).catch((error: unknown) => {
        this.underWay.delete(target);
        // It is noted as this guard's by now, and wouldn't be found again.
        this.cutShort.set(target, intent);
        this.fail(target, undefined, error);
        throw error;
      });
    }
  }

  private async takeUp(intent: Intent): Promise<void> {
    const [config, api] = await Promise.all([this.options.config(), this.options.api()]);
    const { target, split, since } = intent;
    const live = believed(await readLiveRoute(api, config.platform.namespace, target));
    if (live !== undefined && !splitsEqual(live.split, split) && live.since > since) {
      await this.options.intents.end(target);
      this.underWay.delete(target);
      this.say(supersededText(intent), `superseded ${target}`);
      return;
    }
    const known = { failing: new Set<Backend>(), doubted: this.unwell(target) };
    await this.move({ ...intent }, known, undefined, { level: 1, together: [target] }, performance.now());
  }

  private async decideNow(alerts: readonly Alert[]): Promise<Decided> {
    const { windowMs } = this.options;
    const config = await this.options.config();
    const base = {
      wanted: (target: RoutedTargetName) => config.targets[target],
      underWay: this.underWay,
      handled: this.handled,
      recent: this.recent,
      lately: (alert: AlertName, target: RoutedTargetName) =>
        this.lately.backendsOf(alert, target, this.options.recoveringMs),
      protected: this.protector.targets,
    };
    const isUrgent = alerts.some(
      ({ isTrigger, protects, isFiring, target }) => (isTrigger || protects === true) && isFiring && target,
    );
    if (!isUrgent) return decide(alerts, { ...base, live: new Map(), firing: [], now: new Date(), windowMs });
    const api = await this.options.api();
    const [live, active] = await Promise.all([
      readLiveRoutes(api, config.platform.namespace),
      this.askPrometheus(),
    ]).catch((error: unknown) => {
      for (const { target, isTrigger, isFiring, ...alert } of alerts) {
        if (target !== undefined && isTrigger && isFiring) {
          this.fail(target, { ...alert, target, isTrigger, isFiring }, error);
        }
      }
      throw error;
    });
    const decided = decide(alerts, { ...base, live, firing: active?.active, now: api.now(), windowMs });
    for (const each of decided.decisions) {
      if (each.kind === "rollback") this.underWay.add(each.target);
    }
    return decided;
  }

  private async askPrometheus(): Promise<ActiveAlerts | undefined> {
    const { prometheus, metrics, log } = this.options;
    if (prometheus === undefined) return undefined;
    try {
      const active = await activeAlerts(prometheus);
      metrics.prometheusUp.set(1);
      this.lately.see(active.active);
      return active;
    } catch (error) {
      metrics.prometheusUp.set(0);
      if (this.isNew(`prometheus ${reason(error)}`)) log.error(reason(error));
      return undefined;
    }
  }

  private async rollBack(
    { target, alert, avoid, doubted, transition }: RollBack,
    decided: Decided,
    arrivedAt: number,
  ): Promise<void> {
    const since = new Date();
    try {
      const intent = { target, because: alertText(alert), since };
      const known = {
        failing: avoid,
        doubted: new Set([...doubted, ...this.unwell(target)]),
      };
      await this.move(intent, known, alert, decided, arrivedAt);
      if (transition !== undefined) this.handled.add(transition);
    } catch (error) {
      this.underWay.delete(target);
      this.fail(target, alert, error);
      throw error;
    }
  }

  /** Notes it, writes the route, and leaves the rest to the recorder. */
  private async move(
    wanted: Omit<Intent, "split" | "from"> & { readonly split?: Split; readonly from?: string },
    known: Known,
    alert: Alert | undefined,
    { level, together }: Pick<Decided, "level" | "together">,
    arrivedAt: number,
  ): Promise<void> {
    const { intents, log, metrics } = this.options;
    const { target } = wanted;
    const [config, api] = await Promise.all([this.options.config(), this.options.api()]);
    const way = await findWayBack(api, config, target, known);
    const intent: Intent = { ...wanted, split: way.split, from: wanted.from ?? liveText(way.live) };
    const unnoted = await intents.begin(intent);
    if (unnoted !== undefined) log.error("a rollback isn't noted, and goes on", { target, why: unnoted });
    if (!way.isThere) await takeWayBack(api, way);
    this.recent.set(target, new Date());
    log.info("route written", { ...written(intent), wasThere: way.isThere });
    const hold = this.hold(api, config, way);
    this.recorder.add(intent, async () => {
      await hold.stop();
      this.underWay.delete(target);
    });
    metrics.rollback(target, "moved");
    void this.prove(api, config, way).then((unproven) => {
      const seconds = (performance.now() - arrivedAt) / 1000;
      metrics.seconds.observe(seconds);
      log.info("traffic is back", { target, seconds, ...(unproven !== undefined && { unproven }) });
      this.options.chat.say(movedText({ intent, alert, level, together, seconds, unproven }));
    });
  }

  private unwell(target: RoutedTargetName): ReadonlySet<Backend> {
    return this.lately.backendsOf(healthCheckFailed, target, this.options.unwellMs);
  }

  private hold(api: KubeApi, config: StackConfig, { target: { name }, split }: WayBack): RouteHold {
    const onTaken = (text: string): void => this.options.log.info(text, { target: name });
    return new RouteHold({ api, config, target: name, split, onTaken });
  }

  /** @returns why it isn't proven */
  private async prove(api: KubeApi, config: StackConfig, way: WayBack): Promise<string | undefined> {
    const { proxies, domain } = config.platform;
    const { name } = way.target;
    try {
      const routeHash = splitHash(name, way.split);
      await proveSplit(api, { proxies, hostname: hostnameOf(name, domain), routeHash });
      return undefined;
    } catch (error) {
      return reason(error);
    }
  }

  private tell({ decisions, asksForLevel3, together }: Decided): void {
    const { log, metrics, stack } = this.options;
    for (const each of decisions) {
      const about = { alert: alertText(each.alert), startsAt: each.alert.startsAt, found: each.alert.found };
      if (each.kind === "rollback") {
        metrics.alerts.inc({ outcome: "rollback" });
        log.info("decided: roll back", { ...about, target: each.target, ways: each.ways.map(formatSplit) });
      } else if (each.kind === "read-only") {
        metrics.alerts.inc({ outcome: "read-only" });
        log.info("decided: read-only", { ...about, target: each.target });
      } else if (each.kind === "ignore") {
        metrics.alerts.inc({ outcome: "ignored" });
        if (this.isNew(`${about.alert} ${each.why}`))
          log.info("decided: ignore", { ...about, why: each.why });
      } else {
        metrics.alerts.inc({ outcome: "shouted" });
        metrics.stuck.inc({ target: each.target });
        this.say(shoutText(each), `${about.alert} ${each.why}`, {
          ...about,
          target: each.target,
          why: each.why,
        });
      }
    }
    if (asksForLevel3) this.say(level3Text(together, stack), `level 3 ${together.join()}`, { together });
  }

  private fail(target: RoutedTargetName, alert: Alert | undefined, error: unknown): void {
    this.options.metrics.rollback(target, "failed");
    const why = reason(error);
    this.say(notMovedText(target, alert, why), `failed ${target} ${why}`, { target, why });
  }

  /** In the logs and in the chat, unless it was said a while ago. */
  private say(text: string, key: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.isNew(key)) return;
    this.options.log.error(text, fields);
    this.options.chat.say(text);
  }

  private isNew(key: string): boolean {
    const now = performance.now();
    for (const [each, at] of this.said) if (now - at > quietMs) this.said.delete(each);
    if (this.said.has(key)) return false;
    this.said.set(key, now);
    return true;
  }

  private recentTargets(): readonly RoutedTargetName[] {
    const since = Date.now() - this.options.windowMs;
    return [...this.recent].filter(([, at]) => at.getTime() >= since).map(([target]) => target);
  }
}

function written({ split, ...rest }: Intent): object {
  return { ...rest, split: formatSplit(split) };
}
