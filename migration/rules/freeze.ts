import { catalogEntry } from "../../catalog";
import { type Change, type FrozenPhase, ROLES, approvalFor, identityOf, signOffHolds } from "../freeze";
import type { Move } from "../move";
import { COLORS } from "../split";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

/** Another digest than the first extraction's needs an entry under `changes`, of a kind that the phase permits. */
export function freeze(move: Move, circumstances: Circumstances): Refusal[] {
  const { target, live, wanted } = move;
  const { phase, changes } = circumstances.freeze;
  if (live?.legacy !== "retired" || phase === "full-resumption") return [];
  const running = Object.values(live.images).map(identityOf);
  return COLORS.flatMap((color) => {
    const image = wanted.images[color];
    if (image === undefined || image === live.images[color] || running.includes(identityOf(image))) return [];
    const change = changes.get(target)?.find((each) => each.image === identityOf(image));
    const wrong = wrongWith(change, phase, circumstances.now);
    if (wrong === undefined) return [];
    return [
      {
        key: `${keyOf(target)}.${color}`,
        found: `${identityOf(image)} ${wrong.found}`,
        expected: wrong.expected,
        fix: `record why under ${keyOf(target)}.changes (image, kind, ticket, signOffs), or wait for the phase that permits it`,
      },
    ];
  });
}

interface Wrong {
  readonly found: string;
  readonly expected: string;
}

function wrongWith(change: Change | undefined, phase: FrozenPhase, now: Date): Wrong | undefined {
  if (change === undefined) {
    return {
      found: `without an entry under changes, in ${phase}`,
      expected: "an entry for that image, of a kind that the phase permits",
    };
  }
  const { kind, ticket, signOffs } = change;
  const approval = approvalFor(kind, phase);
  if (approval === undefined) {
    return {
      found: `as ${kind} (${ticket}), in ${phase}`,
      expected: `a kind that ${phase} permits`,
    };
  }
  const signed = signOffs.filter((signOff) => signOffHolds(signOff, ticket, now)).map(({ role }) => role);
  const missing = approval === "any" ? [] : approval.filter((role) => !signed.includes(role));
  if (approval === "any" ? signed.length > 0 : missing.length === 0) return undefined;
  return {
    found: `as ${kind} (${ticket}), signed off by ${signed.join(", ") || "nobody"} at this time`,
    expected: `a sign-off that holds now by ${approval === "any" ? ROLES.join(" or ") : approval.join(" and ")}`,
  };
}

/** Only the change of phase is judged: what was begun legally stays legal when sign-offs end or a target goes back. */
export function thawSignedOff({ freeze: { phase, applied, signOffs }, now }: Circumstances): Refusal[] {
  if (phase !== "partial-thaw" || applied === "partial-thaw" || applied === "full-resumption") return [];
  const missing = ROLES.filter(
    (role) => !signOffs.some((signOff) => signOff.role === role && signOffHolds(signOff, phase, now)),
  );
  if (missing.length === 0) return [];
  return [
    {
      key: phaseKey,
      found: `${phase}, without a sign-off of ${missing.join(" and ")} that holds now`,
      expected: `sign-offs for ${phase} by ${ROLES.join(" and ")}`,
      fix: `add them under ${keyOf("migration")}.signOffs (by, role, at, until, for: ${phase})`,
    },
  ];
}

export function resumptionAfterTier1({ freeze: { phase, applied }, moves }: Circumstances): Refusal[] {
  if (phase !== "full-resumption" || applied === "full-resumption") return [];
  const open = moves.filter(
    ({ target, nextStage }) =>
      catalogEntry(target).tier === 1 && nextStage !== "extracted" && nextStage !== "releasing",
  );
  if (open.length === 0) return [];
  return [
    {
      key: phaseKey,
      found: `${phase} while ${open.map(({ target, nextStage }) => `${target} is ${nextStage}`).join(", ")}`,
      expected: "all targets of tier 1 to be extracted",
      fix: `extract ${open.map(({ target }) => target).join(", ")} first, or stay with partial-thaw`,
    },
  ];
}

const phaseKey = `${keyOf("migration")}.phase`;
