import type { Move } from "../move";
import { formatSplit } from "../split";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

/**
 * Once a contract step has begun, no release from before it gets traffic again, and the file goes on naming what the
 * schema is: what the step took away comes back by a restore, which a human confirms.
 */
export function pointOfNoReturn(move: Move, circumstances: Circumstances): Refusal[] {
  if (move.live?.contracted === undefined) return [];
  return [...legacyCalledBack(move), ...stepForgotten(move, circumstances)];
}

function legacyCalledBack({ target, live, wanted }: Move): Refusal[] {
  if (wanted.legacy === "retired") return [];
  const hasTraffic = wanted.split.legacy > 0;
  return [
    {
      key: `${keyOf(target)}.${hasTraffic ? "traffic" : "legacy"}`,
      found: hasTraffic ? formatSplit(wanted.split) : "standby",
      expected: `legacy: retired, because the schema of ${live?.contracted ?? ""} is past a contract step, which legacy can't live with`,
      fix: restoreFirst(target),
    },
  ];
}

/** A step that has failed may be given up. */
function stepForgotten({ target, live, wanted }: Move, { schemaSteps }: Circumstances): Refusal[] {
  const { database } = wanted;
  const isRestored = database?.instance !== live?.contracted;
  const hasFailed = schemaSteps.get(target)?.contraction === "failed";
  if (database === undefined || database.migration !== undefined || isRestored || hasFailed) return [];
  return [
    {
      key: `${keyOf(target)}.database.migration`,
      found: "none",
      expected: `the contract step that the schema of ${database.instance} is past, or a later step`,
      fix: restoreFirst(target),
    },
  ];
}

function restoreFirst(target: Move["target"]): string {
  return `cutover restore ${target}, to a moment before the step (cutover migrate ${target} --status names it), or leave this as it was`;
}
