import assert from "node:assert/strict";
import fc from "fast-check";
import { type RoutedTargetName, routedTargets } from "../../../../catalog";
import {
  ALL_LEGACY,
  type CompletedDigests,
  type JudgeInput,
  type Owner,
  type RouteRecord,
  type WantedTarget,
  applyStep,
  deriveStage,
  identityOf,
  inFlight,
  judge,
  nextRecord,
  soakEnds,
  stepsToExtracted,
} from "../../../../migration";
import { calm, judgeInput, soakHours, start, wantedTargets } from "../arbitraries";
import { type Plan, isLegal } from "./statement";

interface State {
  readonly live: ReadonlyMap<RoutedTargetName, RouteRecord>;
  readonly owner: Owner;
  readonly now: Date;
}

type Wanted = ReadonlyMap<RoutedTargetName, WantedTarget>;

/** What somebody may think of: anything at all, or the planner's next step, for some targets at once. */
interface Draft {
  readonly hours: number;
  readonly owner: Owner | "as it is";
  readonly ideas: readonly {
    readonly target: RoutedTargetName;
    readonly wanted: WantedTarget | "next step";
  }[];
}

const drafts: fc.Arbitrary<Draft> = fc.record({
  hours: fc.constantFrom(0, 1, soakHours, soakHours),
  owner: fc.oneof(
    { weight: 6, arbitrary: fc.constant("as it is" as const) },
    { weight: 1, arbitrary: fc.constantFrom<Owner>("terraform", "pulumi") },
  ),
  ideas: fc.array(
    fc.record({
      target: fc.constantFrom(...routedTargets),
      wanted: fc.oneof(
        { weight: 5, arbitrary: fc.constant("next step" as const) },
        { weight: 1, arbitrary: wantedTargets },
      ),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

/** How many legal steps have been taken before. */
const begun = fc.nat({ max: 60 });

const circumstances = fc.record({
  frozen: fc.boolean(),
  proven: fc.option(fc.subarray([...routedTargets], { minLength: 6 }), { nil: undefined }),
  completed: fc.option(
    fc.uniqueArray(
      fc.tuple(fc.constantFrom(...routedTargets), fc.constantFrom("sha256:1", "blue:1", "green:1")),
      {
        minLength: 12,
        maxLength: 24,
        selector: String,
      },
    ),
    { nil: undefined },
  ),
});

const fresh: State = {
  live: new Map(
    routedTargets.map((target) => [target, nextRecord(target, undefined, calm(ALL_LEGACY), start)]),
  ),
  owner: "terraform",
  now: start,
};

describe("the rules, on histories of all nine targets", () => {
  it("accept no illegal plan and refuse no legal one", function () {
    this.timeout(60_000);
    const seen = { legal: 0, illegal: 0 };
    fc.assert(
      fc.property(
        begun,
        fc.array(drafts, { minLength: 5, maxLength: 30 }),
        circumstances,
        (steps, history, facts) => {
          let state = progressed(steps);
          for (const draft of history) {
            const { now, wanted, owner } = drafted(state, draft);
            state = { ...state, now };
            const violations = judge(inputOf(state, wanted, owner, facts));
            const legal = isLegal(planOf(state, wanted, owner, facts));
            assert.equal(violations.length === 0, legal, JSON.stringify({ violations, wanted: [...wanted] }));
            seen[legal ? "legal" : "illegal"]++;
            if (legal) state = after(state, wanted, owner);
          }
        },
      ),
      { numRuns: 1000 },
    );
    process.stdout.write(`      ${seen.legal} legal plans, ${seen.illegal} illegal ones\n`);
    assert.ok(seen.legal > 500 && seen.illegal > 500, JSON.stringify(seen));
  });

  it("leave a way to legacy in one step and a path forward to all extracted, wherever a history has led", function () {
    this.timeout(60_000);
    let longest = 0;
    fc.assert(
      fc.property(begun, fc.array(drafts, { maxLength: 30 }), (steps, history) => {
        let state = progressed(steps);
        for (const draft of history) {
          const { now, wanted, owner } = drafted(state, draft);
          state = legalAfter({ ...state, now }, wanted, owner) ?? { ...state, now };
        }
        const back = new Map([...state.live].map(([target, record]) => [target, toLegacy(record)]));
        assert.deepEqual(judge(inputOf(state, back, "terraform")), []);
        longest = Math.max(longest, stepsOn(state));
      }),
      { numRuns: 300 },
    );
    process.stdout.write(`      at most ${longest} steps to all extracted\n`);
  });
});

function progressed(steps: number): State {
  let state = fresh;
  for (let step = 0; step < steps; step++) state = nextLegal(state) ?? state;
  return state;
}

function drafted(state: State, draft: Draft): { now: Date; wanted: Wanted; owner: Owner } {
  const now = hoursAfter(state.now, draft.hours);
  const owner = draft.owner === "as it is" ? state.owner : draft.owner;
  return { now, wanted: withIdeas({ ...state, now }, draft), owner };
}

function hoursAfter(time: Date, hours: number): Date {
  return new Date(time.getTime() + hours * 3_600_000);
}

/** How many steps it takes until all is extracted, each of them legal. */
function stepsOn(from: State): number {
  let state = from;
  for (let steps = 0; steps < 300; steps++) {
    const next = nextLegal(state);
    if (next === undefined) {
      assert.deepEqual(
        [...state.live].filter(([, { legacy }]) => legacy === "standby"),
        [],
      );
      assert.equal(state.owner, "pulumi");
      return steps;
    }
    state = next;
  }
  return assert.fail("no end in sight");
}

/** Of what the planner would do, the first that is legal; undefined when all is done. */
function nextLegal(state: State): State | undefined {
  const wanted = asIs(state);
  const flying = [...state.live].filter(([, record]) => inFlight(deriveStage(record, soakHours, state.now)));
  // A rollback half-way may have left two in flight: all but one go back first.
  const [, ...others] = flying;
  if (others.length > 0) {
    const back = new Map(others.map(([target, record]) => [target, toLegacy(record)]));
    return legalAfter(state, new Map([...wanted, ...back]), state.owner);
  }
  let isDone = state.owner === "pulumi";
  if (!isDone) {
    const adopted = legalAfter(state, wanted, "pulumi");
    if (adopted !== undefined) return adopted;
  }
  let soonest: Date | undefined;
  for (const [target, record] of state.live) {
    const [step] = stepsToExtracted(record, wantedAsIs(record), soakHours, state.now);
    if (step === undefined) continue;
    isDone = false;
    if (step.kind === "soak") {
      const end = soakEnds(record.since, soakHours);
      soonest = soonest === undefined || end < soonest ? end : soonest;
      continue;
    }
    const next = legalAfter(state, new Map([...wanted, [target, stepped(record, state.now)]]), state.owner);
    if (next !== undefined) return next;
  }
  if (isDone) return undefined;
  assert.ok(soonest, JSON.stringify([...state.live]));
  return { ...state, now: soonest };
}

function legalAfter(state: State, wanted: Wanted, owner: Owner): State | undefined {
  return judge(inputOf(state, wanted, owner)).length === 0 ? after(state, wanted, owner) : undefined;
}

function after(state: State, wanted: Wanted, owner: Owner): State {
  return {
    ...state,
    owner,
    live: new Map(
      [...wanted].map(([target, each]) => [
        target,
        nextRecord(target, state.live.get(target), each, state.now),
      ]),
    ),
  };
}

function withIdeas(state: State, { ideas }: Draft): Wanted {
  const wanted = new Map(asIs(state));
  for (const { target, wanted: idea } of ideas) {
    const record = state.live.get(target);
    assert.ok(record);
    wanted.set(target, idea === "next step" ? stepped(record, state.now) : { ...idea, adopt: false });
  }
  return wanted;
}

/** With the planner's next step taken; as it is, where that is to wait. */
function stepped(record: RouteRecord, now: Date): WantedTarget {
  const wanted = wantedAsIs(record);
  const [step] = stepsToExtracted(record, wanted, soakHours, now);
  if (step === undefined) return wanted;
  if (step.kind === "stage") {
    return { ...wanted, images: { ...wanted.images, [step.color]: "registry/app@sha256:1" } };
  }
  return applyStep(step, wanted) ?? wanted;
}

function asIs({ live }: State): Wanted {
  return new Map([...live].map(([target, record]) => [target, wantedAsIs(record)]));
}

function wantedAsIs({ split, images, legacy }: RouteRecord): WantedTarget {
  return { split, images, legacy, adopt: false };
}

function toLegacy(record: RouteRecord): WantedTarget {
  return { ...wantedAsIs(record), split: ALL_LEGACY, legacy: "standby" };
}

interface Facts {
  readonly frozen: boolean;
  readonly proven: readonly RoutedTargetName[] | undefined;
  readonly completed: readonly (readonly [RoutedTargetName, string])[] | undefined;
}

const noFacts: Facts = { frozen: false, proven: undefined, completed: undefined };

function inputOf(
  state: State,
  wanted: Wanted,
  owner: Owner,
  { frozen, proven, completed }: Facts = noFacts,
): JudgeInput {
  const phase = frozen ? "full-freeze" : "full-resumption";
  return judgeInput({
    live: state.live,
    applied: new Map([...state.live].map(([target, { split }]) => [target, split])),
    wanted,
    now: state.now,
    ownership: { applied: state.owner, wanted: owner },
    freeze: { phase, applied: phase, signOffs: [], changes: new Map() },
    staging: completed && digestsOf(completed),
    evidence: proven && new Map(proven.map((target) => [target, { kind: "go" as const }])),
  });
}

function digestsOf(completed: NonNullable<Facts["completed"]>): CompletedDigests {
  return new Map(
    routedTargets.map((target) => [
      target,
      completed.filter(([each]) => each === target).map(([, digest]) => digest),
    ]),
  );
}

function planOf(state: State, wanted: Wanted, owner: Owner, { frozen, proven, completed }: Facts): Plan {
  const steps = [...wanted].map(([target, each]) => {
    const before = state.live.get(target);
    assert.ok(before);
    return { target, before, held: state.now >= soakEnds(before.since, soakHours), wanted: named(each) };
  });
  return {
    steps: steps.map((step) => ({ ...step, before: { ...step.before, images: short(step.before.images) } })),
    owner: [state.owner, owner],
    completed: completed && new Set(completed.map(([target, digest]) => `${target} ${digest}`)),
    proven: proven && new Set(proven),
    allowedChanges: frozen ? new Set<string>() : undefined,
  };
}

function named(wanted: WantedTarget): WantedTarget {
  return { ...wanted, images: short(wanted.images) };
}

/** By digest alone, as the statement compares them. */
function short(images: WantedTarget["images"]): WantedTarget["images"] {
  return Object.fromEntries(Object.entries(images).map(([color, image]) => [color, identityOf(image)]));
}
