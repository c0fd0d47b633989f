import type { RoutedTargetName } from "../../catalog";
import { describeMove } from "../move";
import type { Move } from "../move";
import { type Override, isInForce } from "../override";
import type { LiveRoute } from "../routeRecord";
import { gainingColors } from "../staging";
import { holder, isTowardsLegacy, splitsEqual } from "../split";
import type { Split } from "../split";
import type { WantedTarget } from "../transition";
import type { Subject, Violation } from "../violation";
import { drift, startsOnLegacy } from "./drift";
import { evidence, needsEvidence } from "./evidence";
import { freeze, resumptionAfterTier1, thawSignedOff } from "./freeze";
import { oneInFlight, oneInFlightBesideAdoption } from "./inFlight";
import { order, orderOfAdoption } from "./order";
import { pointOfNoReturn } from "./pointOfNoReturn";
import type { Circumstances, Rule, StackRule } from "./rule";
import { schemaStep } from "./schemaStep";
import { sharedSigningKey } from "./sharedSigningKey";
import { noEditUnderTraffic, retiredAfterCallers, retiredOnlyWhenSoaked, standbyWhileSoaking } from "./soak";
import { stagingFirst } from "./stagingFirst";

/** Live state, wanted config and facts, as far as they concern one stack. */
export interface JudgeInput extends Omit<Circumstances, "moves"> {
  /** By target; a target without a route is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The splits of the last successful update; a target unknown to it is absent. */
  readonly applied: ReadonlyMap<RoutedTargetName, Split>;
  readonly wanted: ReadonlyMap<RoutedTargetName, WantedTarget>;
  readonly overrides: readonly Override[];
}

/**
 * What the rules refuse of `input`; empty if nothing. A way back (a transition towards legacy, or to the
 * standby of a release) isn't even shown to them, so that no rule, however wrong, can refuse one.
 */
export function judge(input: JudgeInput): Violation[] {
  const inForce = input.overrides.filter((override) => isInForce(override, input.now));
  return refusals(input).filter(
    ({ target, rule }) => !inForce.some((override) => override.target === target && override.rule === rule),
  );
}

function refusals(input: JudgeInput): Violation[] {
  const moves = describeMoves(input);
  const circumstances = { ...input, moves };
  return [
    ...moves
      .filter((move) => !move.isWayBack)
      .flatMap((move) =>
        Object.entries(rules).flatMap(([rule, refuses]) =>
          refuses(move, circumstances).map((refusal) => ({ target: move.target, rule, ...refusal })),
        ),
      ),
    ...stackRules.flatMap(({ target, rule, refuses }) =>
      refuses(circumstances).map((refusal) => ({ target, rule, ...refusal })),
    ),
  ];
}

/**
 * Of `violations`, those that must not hold up an update that brings some target back: drift, and keys that don't fit,
 * of targets from which the file asks nothing new. They are said, and their routes left as they are.
 */
export function setAside(input: JudgeInput, violations: readonly Violation[]): StandingViolation[] {
  const moves = describeMoves(input);
  if (!moves.some(goesOrWentBack)) return [];
  const standing = moves
    .filter(({ applied, wanted }) => applied !== undefined && splitsEqual(applied, wanted.split))
    .map(({ target }) => target);
  return violations.filter(
    (violation): violation is StandingViolation =>
      standingRules.includes(violation.rule) && standing.some((target) => target === violation.target),
  );
}

/** What an update is refused for, and what it sets aside because some target goes back in it. */
export function judgeUpdate(input: JudgeInput): {
  readonly refused: readonly Violation[];
  readonly aside: readonly StandingViolation[];
} {
  const violations = judge(input);
  const aside = setAside(input, violations);
  const isAside = new Set<Violation>(aside);
  return { refused: violations.filter((violation) => !isAside.has(violation)), aside };
}

/** By this update, or by the fast road, which this update records. */
function goesOrWentBack({ live, applied, wanted, isWayBack, isTransition }: Move): boolean {
  if (live === undefined) return false;
  if (isTransition) return isWayBack;
  const toStandby = live.legacy === "retired" && holder(wanted.split) === live.heldFull;
  return (
    applied !== undefined &&
    !splitsEqual(applied, wanted.split) &&
    (isTowardsLegacy(applied, wanted.split) || toStandby)
  );
}

/**
 * Whether some target goes back, or is where the file asks before that is recorded, as after the fast road: such an
 * update must not wait for anything that isn't its own.
 */
export function bringsBack(input: MovesInput): boolean {
  return describeMoves(input).some(({ live, tampered, applied, wanted, isWayBack, isTransition }) => {
    const isUnrecorded = !isTransition && applied !== undefined && !splitsEqual(applied, wanted.split);
    const goesBack = isWayBack && isTransition && (live !== undefined || tampered !== undefined);
    return isUnrecorded || goesBack;
  });
}

type StandingViolation = Violation & { readonly target: RoutedTargetName };

/** Whether some colour gains weight, otherwise than on a way back: only then staging is worth asking. */
export function needsStaging(input: MovesInput): boolean {
  return describeMoves(input).some((move) => gainingColors(move).length > 0);
}

/** Whether some move needs evidence: only then Prometheus is worth asking. */
export function asksForEvidence(input: MovesInput): boolean {
  return describeMoves(input).some(needsEvidence);
}

function describeMoves({ live, applied, wanted, soakHours, now }: MovesInput): Move[] {
  return [...wanted].map(([target, each]) =>
    describeMove({
      target,
      route: live.get(target),
      applied: applied.get(target),
      wanted: each,
      soakHours,
      now,
    }),
  );
}

type MovesInput = Pick<JudgeInput, "live" | "applied" | "wanted" | "soakHours" | "now">;

const keysRule = "shared-signing-key";

/** What may be refused of a target that stays as it is, and doesn't get worse by another one's way back. */
const standingRules = [drift.name, keysRule];

const rules: Readonly<Record<string, Rule>> = {
  drift,
  "starts-on-legacy": startsOnLegacy,
  "one-in-flight": oneInFlight,
  order,
  "no-edit-under-traffic": noEditUnderTraffic,
  "standby-while-soaking": standbyWhileSoaking,
  "retired-only-when-soaked": retiredOnlyWhenSoaked,
  "retired-after-callers": retiredAfterCallers,
  "staging-first": stagingFirst,
  freeze,
  [keysRule]: sharedSigningKey,
  evidence,
  "schema-step": schemaStep,
  "point-of-no-return": pointOfNoReturn,
};

const stackRules: readonly {
  readonly target: Subject;
  readonly rule: string;
  readonly refuses: StackRule;
}[] = [
  { target: "infrastructure", rule: "one-in-flight", refuses: oneInFlightBesideAdoption },
  { target: "infrastructure", rule: "order", refuses: orderOfAdoption },
  { target: "migration", rule: "thaw-signed-off", refuses: thawSignedOff },
  { target: "migration", rule: "resumption-after-tier-1", refuses: resumptionAfterTier1 },
];
