import { ROLES, identityOf, signOffHolds } from "../freeze";
import type { Move } from "../move";
import type { SchemaStep } from "../schemaStep";
import { COLORS } from "../split";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

/**
 * A step of the schema runs on the primary only when it was tried on a shadow. One that old releases can't live with is
 * the one point of no return: by then there must be none to go back to, and somebody has signed for it.
 */
export function schemaStep(move: Move, { schemaSteps, now }: Circumstances): Refusal[] {
  const { target } = move;
  const step = schemaSteps.get(target);
  if (step?.wanted === undefined) return [];
  const wanted = identityOf(step.wanted);
  if (step.applied !== undefined && identityOf(step.applied) === wanted) return [];
  const key = `${keyOf(target)}.database`;
  const prepared = step.prepared.find(({ image }) => identityOf(image) === wanted);
  if (prepared === undefined) {
    return [
      {
        key: `${key}.migration`,
        found: `${wanted}, which was not prepared`,
        expected: "a step that was tried on a shadow of the very data that it is for",
        fix: `cutover migrate ${target} --prepare`,
      },
    ];
  }
  if (prepared.kind === "expand") return [];
  return [
    ...notYetAlone(move, `${key}.migration`),
    ...standbyLeft(move),
    ...unsigned(step.contract, wanted, { key: `${key}.contract`, now }),
  ];
}

/** Whoever might get traffic again must be able to live with the schema. */
function notYetAlone({ target, live, stage, wanted, isTransition }: Move, key: string): Refusal[] {
  const isAlone = stage === "extracted" && wanted.legacy === "retired" && !isTransition;
  if (isAlone) return [];
  const found =
    live?.legacy === "retired"
      ? `while ${target} is ${isTransition ? "moved too" : stage}`
      : "with legacy: standby";
  return [
    {
      key,
      found: `a contract step ${found}`,
      expected: "legacy: retired, and no release on its way: from this step on the way back is a restore",
      fix: `retire legacy and wait for the end of the soak first, or take the step apart: cutover migrate ${target} --prepare says which statements make it one`,
    },
  ];
}

/** A release from before it would be where a rollback leads. */
function standbyLeft({ target, live }: Move): Refusal[] {
  if (live?.legacy !== "retired") return [];
  return COLORS.filter((color) => live.split[color] === 0).flatMap((color) => {
    const image = live.images[color];
    if (image === undefined) return [];
    return [
      {
        key: `${keyOf(target)}.${color}`,
        found: `a contract step while ${color} stands by as ${image}`,
        expected: "no release but the one with the traffic: from this step on there is none to go back to",
        fix: `take ${keyOf(target)}.${color} out of the file, and update, before the step`,
      },
    ];
  });
}

function unsigned(
  contract: SchemaStep["contract"],
  wanted: string,
  { key, now }: { readonly key: string; readonly now: Date },
): Refusal[] {
  const signed =
    contract?.signOffs
      .filter((signOff) => signOffHolds(signOff, contract.ticket, now))
      .map(({ role }) => role) ?? [];
  const missing = ROLES.filter((role) => !signed.includes(role));
  if (missing.length === 0) return [];
  return [
    {
      key,
      found: `${wanted} is a contract step${contract === undefined ? "" : ` (${contract.ticket})`}, signed off by ${signed.join(", ") || "nobody"} at this time`,
      expected: `sign-offs that hold now by ${ROLES.join(" and ")}`,
      fix: `record them under ${key} (ticket, signOffs), each for that ticket`,
    },
  ];
}
