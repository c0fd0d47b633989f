import type { RoutedTargetName } from "../../../../catalog";
import {
  ALL_LEGACY,
  type JudgeInput,
  type RouteRecord,
  type WantedTarget,
  judge,
  nextRecord,
} from "../../../../migration";
import { hoursLater, judgeInput, soakHours, start } from "../arbitraries";
import { type Plan, type Step, isLegal } from "./statement";

/** Every target's route. Times are of two kinds only: now, and a soak ago. */
export type State = readonly RouteRecord[];

export interface World {
  readonly targets: readonly RoutedTargetName[];
  /** What a file can ask of one target. */
  readonly wishes: readonly WantedTarget[];
  /** What else the rules are told, and the statement. */
  readonly circumstances?: Partial<JudgeInput>;
  readonly plan?: Partial<Omit<Plan, "steps">>;
}

export interface Disagreement {
  readonly state: State;
  readonly wanted: readonly WantedTarget[];
  readonly rules: readonly string[];
}

export interface Exploration {
  readonly states: readonly State[];
  /** Legal steps: the state's index to the next one's. */
  readonly edges: readonly (readonly number[])[];
  readonly transitions: number;
  readonly accepted: number;
  readonly disagreements: readonly Disagreement[];
}

export const now = hoursLater(soakHours);

/**
 * All states that legal plans lead to from all on legacy, and all plans from each of them.
 * @param untilDisagreement of rules and statement: no further
 */
export function explore(world: World, { untilDisagreement = false } = {}): Exploration {
  const { targets, wishes } = world;
  const fresh = targets.map((target) => canonical(nextRecord(target, undefined, onLegacy, start)));
  const states: State[] = [fresh];
  const indexes = new Map([[keyOf(fresh), 0]]);
  const edges: number[][] = [];
  const disagreements: Disagreement[] = [];
  const found = { transitions: 0, accepted: 0 };
  const plans = product(targets.map(() => wishes));
  const indexOf = (state: State): number => {
    const key = keyOf(state);
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, states.length);
    states.push(state);
    return states.length - 1;
  };
  for (let index = 0; index < states.length; index++) {
    if (untilDisagreement && disagreements.length > 0) break;
    const state = states[index] ?? fresh;
    const next = new Set<number>([indexOf(state.map(held))]);
    for (const wanted of plans) {
      const rules = refusedBy(world, state, wanted);
      found.transitions++;
      if ((rules.length === 0) !== isLegal(planOf(world, state, wanted))) {
        disagreements.push({ state, wanted, rules });
      }
      if (rules.length > 0) continue;
      found.accepted++;
      next.add(indexOf(after(world, state, wanted)));
    }
    edges.push([...next]);
  }
  return { states, edges, ...found, disagreements };
}

/** The names of the rules that refuse it. */
export function refusedBy(
  { targets, circumstances }: World,
  state: State,
  wanted: readonly WantedTarget[],
): string[] {
  const live = new Map(targets.map((target, index) => [target, recordAt(state, index)]));
  const input = judgeInput({
    live,
    applied: new Map([...live].map(([target, { split }]) => [target, split])),
    wanted: new Map(targets.map((target, index) => [target, wanted[index] ?? onLegacy])),
    now,
    ...circumstances,
  });
  return judge(input).map(({ target, rule }) => `${target} ${rule}`);
}

/** The states from which a goal can be reached. */
export function reaching({ states, edges }: Exploration, isGoal: (state: State) => boolean): Set<number> {
  const reverse = states.map((): number[] => []);
  edges.forEach((nexts, from) => nexts.forEach((to) => reverse[to]?.push(from)));
  const reached = new Set(states.flatMap((state, index) => (isGoal(state) ? [index] : [])));
  for (const index of reached) reverse[index]?.forEach((from) => reached.add(from));
  return reached;
}

/** What a file asks that leaves the target as it is. */
export function asIs({ split, images, contents, legacy }: RouteRecord): WantedTarget {
  return { split, images, ...(contents && { contents }), legacy, adopt: false };
}

const onLegacy: WantedTarget = { split: ALL_LEGACY, images: {}, legacy: "standby", adopt: false };

function planOf(world: World, state: State, wanted: readonly WantedTarget[]): Plan {
  const steps = world.targets.map((target, index): Step => ({
    target,
    before: recordAt(state, index),
    held: isHeld(recordAt(state, index)),
    wanted: wanted[index] ?? onLegacy,
  }));
  return {
    steps,
    owner: ["terraform", "terraform"],
    completed: undefined,
    proven: undefined,
    allowedChanges: undefined,
    ...world.plan,
  };
}

function after({ targets }: World, state: State, wanted: readonly WantedTarget[]): State {
  return targets.map((target, index) =>
    canonical(nextRecord(target, recordAt(state, index), wanted[index] ?? onLegacy, now)),
  );
}

function recordAt(state: State, index: number): RouteRecord {
  const record = state[index];
  if (record === undefined) throw new Error(`no target ${index}`);
  return record;
}

function isHeld({ since }: RouteRecord): boolean {
  return since.getTime() <= start.getTime();
}

function held(record: RouteRecord): RouteRecord {
  return { ...record, since: start };
}

/** Without what no rule reads: the split before, the transition, when legacy was retired. */
function canonical({ split, since, heldFull, images, contents, legacy }: RouteRecord): RouteRecord {
  const age = since.getTime() <= start.getTime() ? start : now;
  const release = { images, ...(contents && { contents }) };
  return { split, since: age, previous: ALL_LEGACY, heldFull, transition: "", ...release, legacy };
}

function keyOf(state: State): string {
  return JSON.stringify(
    state.map(({ split, since, heldFull, images, contents, legacy }) => [
      [split, since, heldFull, images, legacy],
      contents,
    ]),
  );
}

function product<T>(choices: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return choices.reduce<readonly (readonly T[])[]>(
    (tuples, each) => tuples.flatMap((tuple) => each.map((one) => [...tuple, one])),
    [[]],
  );
}
