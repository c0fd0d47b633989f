import { setTimeout as sleep } from "node:timers/promises";
import type { RoutedTargetName } from "../../catalog";
import { reason } from "../../cluster/thrown";
import { startAttack } from "../../local/load/attack";
import type { Shot } from "../../local/load/shot";
import { gatewayAddress } from "../../local/platform/gateway";
import { ALL_LEGACY, formatSplit } from "../../migration";
import { disagreements } from "../faults/agreement";
import { eventually, triggersTrueOf } from "../e2e/prometheus";
import { commitSplit, succeeded, tools } from "../e2e/world";
import type { Incident } from "./incident";
import { type Outcome, backAt, lostAround } from "./outcome";
import type { Scene } from "./scene";

/** How long an incident may go on before it counts as missed, in milliseconds. */
const patience = 90_000;
/** Within which it is recorded, somebody else's update and a remote that is away included, in seconds. */
const recordedWithin = 150;
const wanted = formatSplit(ALL_LEGACY);

/**
 * Lets an incident happen under load, and tells what became of it.
 * @param signal when it aborts, nothing is waited for any more: at a terminal, Ctrl-C has reached the guard too
 */
export async function happen(scene: Scene, incident: Incident, signal?: AbortSignal): Promise<Outcome> {
  const { targets, ratePerSecond } = incident;
  await Promise.all(targets.map((target) => isSettled(scene, target)));
  const shots: Shot[] = [];
  const attack = startAttack({
    ...{ vegeta: (await tools()).path("vegeta"), gateway: gatewayAddress },
    ...{ targets, ratePerSecond, maxSeconds: 600 },
    onShot: (shot) => shots.push(shot),
  });
  const course = new Course(scene, incident, signal);
  const problems = [];
  try {
    await course.run();
  } catch (error) {
    problems.push(reason(error));
  } finally {
    await attack.stop();
  }
  const { began, held, isBack } = course;
  const back = isBack ? backAt(shots, ALL_LEGACY, targets, began) : undefined;
  if (isBack && back === undefined) problems.push("no load after the rollback");
  return {
    ...(held !== undefined && { held }),
    hasBegun: began < Infinity,
    ...(back !== undefined && { backAfter: (back - began) / 1000 }),
    wrong: course.wrong,
    requests: shots.length,
    ...lostAround(shots, back),
    problems: [...problems, ...course.problems],
  };
}

/** What is left of the last incident is over: a window that holds some of it would hold it against the next one. */
async function isSettled(scene: Scene, target: RoutedTargetName): Promise<void> {
  await eventually(
    () => scene.isRecording(target),
    (isIt) => !isIt,
    60,
  );
  await eventually(
    () => triggersTrueOf(target),
    (alerts) => alerts.length === 0,
    60,
  );
}

/** One incident, from the cutover before it until all agree that it is over. */
class Course {
  began = Infinity;
  isBack = false;
  held: boolean | undefined;
  readonly problems: string[] = [];
  private readonly said: number;

  constructor(
    private readonly scene: Scene,
    private readonly incident: Incident,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.said = scene.log.length;
  }

  /** Rollbacks that were begun, without the one for each target that was to be. */
  get wrong(): number {
    const written = this.scene.log
      .slice(this.said)
      .filter((line) => line.message === "route written" && line["wasThere"] === false).length;
    return Math.max(0, written - (this.began < Infinity ? this.incident.targets.length : 0));
  }

  async run(): Promise<void> {
    const { scene, incident } = this;
    let isOver = false;
    try {
      for (const target of incident.targets) {
        // One at a time may be in flight.
        await commitSplit(scene.stack, target, incident.at);
        succeeded(await scene.stack.up());
      }
      const head = await scene.commits();
      if (incident.below !== undefined && !(await this.holds(incident.below, head))) return;
      this.began = Date.now();
      await incident.begins();
      if (!(await this.comesBack())) return;
      await this.isRecorded(head);
      isOver = true;
      await incident.ends();
      await this.agrees();
    } finally {
      if (!isOver) await incident.ends();
    }
  }

  private get isBrokenOff(): boolean {
    return this.signal?.aborted === true;
  }

  private async holds(below: () => Promise<void>, head: number): Promise<boolean> {
    const { scene, incident } = this;
    await sleep(scene.windowPassed);
    await below();
    // Whatever is on its way arrives.
    await sleep(500);
    const splits = await Promise.all(incident.targets.map((target) => scene.liveSplit(target)));
    const isWhereItWas = splits.every((split) => split === formatSplit(incident.at));
    this.held = isWhereItWas && this.wrong === 0 && (await scene.commits()) === head;
    return this.held;
  }

  private async comesBack(): Promise<boolean> {
    const { scene, incident } = this;
    // The API server may be what is down.
    const splits = (): Promise<readonly string[]> =>
      Promise.all(incident.targets.map((target) => scene.liveSplit(target).catch(() => "?")));
    const found = await eventually(
      splits,
      (all) =>
        all.every((split) => split === wanted) || Date.now() > this.began + patience || this.isBrokenOff,
      2 * (patience / 1000),
    );
    this.isBack = found.every((split) => split === wanted);
    return this.isBack;
  }

  private async isRecorded(head: number): Promise<void> {
    const { scene, incident } = this;
    await eventually(
      async () => (await scene.stack.git("log", "-1", "--format=%s")).trim(),
      (subject) => incident.message.test(subject) || this.isBrokenOff,
      recordedWithin,
    );
    const made = (await scene.commits()) - head;
    if (incident.targets.length === 1 && made !== 1) this.problems.push(`found ${made} commits, expected 1`);
  }

  /** Route, git, state and cluster. */
  private async agrees(): Promise<void> {
    const { stack, api } = this.scene;
    await eventually(
      () => disagreements(stack, api),
      (found) => found.length === 0 || this.isBrokenOff,
      recordedWithin,
    );
  }
}
