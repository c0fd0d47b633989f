import type { Doubt } from "../evidence";
import type { Move } from "../move";
import { COLORS } from "../split";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

/** A colour that has traffic gets more of it, and legacy is retired, only with evidence that all is within the plan. */
export function evidence(move: Move, { evidence: measured }: Circumstances): Refusal[] {
  const key = keyThatNeeds(move);
  if (measured === undefined || key === undefined) return [];
  const { target } = move;
  const verdict = measured.get(target) ?? { kind: "hold", doubts: [unasked] };
  if (verdict.kind === "go") return [];
  const word = verdict.kind.toUpperCase();
  const fix =
    verdict.kind === "hold"
      ? `wait until it is measured, and see what is missing: cutover soak ${target}`
      : `go back (cutover rollback ${target}), or mend it and give it the time to show: cutover soak ${target}`;
  return verdict.doubts.map(({ found, expected }) => ({
    key,
    found: `${word}: ${found}`,
    expected,
    fix,
    ...(verdict.kind === "hold" && { held: true as const }),
  }));
}

/** Whether the rule asks for evidence of this move. */
export function needsEvidence(move: Move): boolean {
  return keyThatNeeds(move) !== undefined;
}

const unasked: Doubt = { found: "nothing measured", expected: "measurements of the color that gains" };

function keyThatNeeds({ target, live, wanted, isWayBack }: Move): string | undefined {
  if (live === undefined || isWayBack) return undefined;
  if (live.legacy === "standby" && wanted.legacy === "retired") return `${keyOf(target)}.legacy`;
  const grows = COLORS.some((color) => live.split[color] > 0 && wanted.split[color] > live.split[color]);
  return grows ? `${keyOf(target)}.traffic` : undefined;
}
