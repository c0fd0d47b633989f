import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import { type KubeApi, ask } from "../../cluster/kubeApi";
import { readLiveRoute } from "../../cluster/liveRoutes";
import type { LocalGuard, LogLine } from "../../local/guard";
import { startAttack } from "../../local/load/attack";
import { type Shot, hasFailed } from "../../local/load/shot";
import type { LocalStack } from "../../local/localStack";
import { gatewayAddress } from "../../local/platform/gateway";
import { type Split, formatSplit, isTampered } from "../../migration";
import { disagreements, namespace } from "../faults/agreement";
import { eventually, triggersTrueOf } from "./prometheus";
import { commitSplit, split, succeeded, tools } from "./world";

/** Something that goes wrong with a candidate that has traffic. */
export interface Incident {
  readonly target: RoutedTargetName;
  /** Where traffic is when it begins. */
  readonly at: Split;
  readonly ratePerSecond: number;
  /** What goes on for a while and must move nothing. */
  readonly below?: () => Promise<void>;
  readonly begins: () => Promise<void>;
  /** The alert that the commit names: `ErrorRateTooHigh of frontend/blue`. */
  readonly because: string;
  /** Mends it, whether it has begun or not. */
  readonly ends: () => Promise<void>;
}

export interface IncidentsOptions {
  readonly stack: LocalStack;
  readonly api: KubeApi;
  readonly guard: LocalGuard;
  /** For a window to hold nothing but what goes on now, in milliseconds. */
  readonly windowPassed: number;
}

/** How long an incident may go on before it counts as missed, in milliseconds. */
const patience = 90_000;

/** Incidents that really happen, one after the other, and what became of them. */
export class Incidents {
  private seen = 0;
  private rolledBack = 0;
  private requests = 0;
  private lostBefore = 0;
  private lostAfter = 0;
  /** From the incident until its traffic was back, in milliseconds. */
  private readonly durations: number[] = [];

  constructor(private readonly options: IncidentsOptions) {}

  /** Lets it happen under load, and asserts that it is rolled back once, and that all agree about it. */
  async happens(incident: Incident): Promise<void> {
    const { stack, guard, windowPassed } = this.options;
    const { target, at, ratePerSecond } = incident;
    await this.isSettled(target);
    const shots: Shot[] = [];
    const attack = startAttack({
      ...{ vegeta: (await tools()).path("vegeta"), gateway: gatewayAddress },
      ...{ targets: [target], ratePerSecond, maxSeconds: 300 },
      onShot: (shot) => shots.push(shot),
    });
    let began = Infinity;
    let backAt = Infinity;
    let isOver = false;
    try {
      await commitSplit(stack, target, at);
      succeeded(await stack.up());
      const head = await this.commits();
      const said = guard.log.length;
      if (incident.below !== undefined) {
        await sleep(windowPassed);
        await incident.below();
        assert.deepEqual(await this.triggered(said), [], "rolled back, though nothing was to be");
        assert.equal(await this.liveSplit(target), formatSplit(at));
        assert.equal(await this.commits(), head);
      }
      this.seen += 1;
      began = Date.now();
      await incident.begins();
      const recorded = await this.says(said, /^recorded:/, began + patience);
      assert.deepEqual(recorded["targets"], [target]);
      backAt = Date.parse((await this.says(said, /^traffic is back$/, began + patience)).time);
      this.durations.push(backAt - began);
      this.rolledBack += 1;
      assert.equal(await this.liveSplit(target), "legacy 100");
      assert.equal(await this.commits(), head + 1, "commits of this incident");
      assert.equal(
        (await stack.git("log", "-1", "--format=%s")).trim(),
        `${target}: rollback to legacy 100 (${incident.because})`,
      );
      isOver = true;
      await incident.ends();
      await this.agrees();
    } finally {
      if (!isOver) await incident.ends();
      await attack.stop();
    }
    this.count(shots, began, backAt);
  }

  /** What has been lost is only what a candidate failed; what was to be rolled back was, and nothing else. */
  close(): void {
    const moved = this.options.guard.log.filter(({ message }) => message === "route written").length;
    const [missed, wrong] = [this.seen - this.rolledBack, moved - this.rolledBack];
    const sorted = this.durations.toSorted((one, other) => one - other);
    console.log(
      `      ${this.seen} incidents, ${missed} missed, ${wrong} false; ${this.requests} requests, lost until traffic was back ${this.lostBefore}, afterwards ${this.lostAfter}; traffic back after ${sorted.map((each) => (each / 1000).toFixed(1)).join(" ")} s`,
    );
    assert.deepEqual({ missed, wrong, lostAfter: this.lostAfter }, { missed: 0, wrong: 0, lostAfter: 0 });
  }

  async liveSplit(target: RoutedTargetName): Promise<string> {
    const live = await readLiveRoute(this.options.api, namespace, target);
    return live === undefined || isTampered(live) ? "?" : formatSplit(live.split);
  }

  async commits(): Promise<number> {
    return Number(await this.options.stack.git("rev-list", "--count", "HEAD"));
  }

  /** How often the guard could do nothing about a trigger, or tried and failed. */
  async refusals(target: RoutedTargetName): Promise<number> {
    const { body } = await ask(new URL("/metrics", this.options.guard.origin));
    const lines = [
      `pyairtable_guard_shouts_total{target="${target}"} `,
      `pyairtable_guard_rollbacks_total{target="${target}",result="failed"} `,
    ];
    const values = body
      .split("\n")
      .flatMap((line) =>
        lines.filter((start) => line.startsWith(start)).map((start) => line.slice(start.length)),
      );
    return values.reduce((sum, value) => sum + Number(value), 0);
  }

  /** What is left of the last incident is over: a window that holds some of it would hold it against the next one. */
  private async isSettled(target: RoutedTargetName): Promise<void> {
    const { guard, stack } = this.options;
    const unrecorded = async (): Promise<string> => (await ask(new URL("/metrics", guard.origin))).body;
    await eventually(
      unrecorded,
      (text) => text.includes(`pyairtable_guard_unrecorded{target="${target}"} 0`),
      60,
    );
    await eventually(
      () => triggersTrueOf(target),
      (alerts) => alerts.length === 0,
      60,
    );
    // One that failed may have left the traffic where it was.
    if ((await this.liveSplit(target)) === "legacy 100") return;
    await commitSplit(stack, target, split("legacy 100"));
    succeeded(await stack.up());
  }

  private count(shots: readonly Shot[], began: number, backAt: number): void {
    const lost = shots.filter(hasFailed);
    const after = lost.filter(({ sentAt }) => sentAt > backAt);
    this.requests += shots.length;
    this.lostAfter += after.length;
    this.lostBefore += lost.length - after.length;
    assert.deepEqual(after.slice(0, 5), [], `${after.length} lost though traffic was back`);
    // What a candidate was to fail before that is counted, and can't be other than it was asked for.
    assert.ok(
      shots.some(({ sentAt }) => sentAt > Math.max(began, backAt)),
      "no load after the rollback",
    );
  }

  private async triggered(since: number): Promise<readonly LogLine[]> {
    // Whatever is on its way arrives.
    await sleep(500);
    return this.options.guard.log.slice(since).filter(({ message }) => message === "decided: roll back");
  }

  private async says(since: number, message: RegExp, deadline: number): Promise<LogLine> {
    const found = await eventually(
      () => Promise.resolve(this.options.guard.log.slice(since).find((line) => message.test(line.message))),
      (line) => line !== undefined,
      (deadline - Date.now()) / 1000,
    );
    assert.ok(found);
    return found;
  }

  /** Route, git, state and cluster, and the next preview is empty. */
  private async agrees(): Promise<void> {
    const { stack, api } = this.options;
    await eventually(
      () => disagreements(stack, api),
      (found) => found.length === 0,
      60,
    );
    succeeded(await stack.preview());
  }
}

export const atBlue = (percent: number): Split =>
  split(percent === 100 ? "blue 100" : `legacy ${100 - percent} / blue ${percent}`);
