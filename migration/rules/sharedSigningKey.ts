import type { Move } from "../move";
import { BACKENDS, type Backend, formatSplit } from "../split";
import { keyOf } from "../violation";
import { waysBack } from "../wayBack";
import type { Circumstances, Refusal } from "./rule";

/** Of the backends that have traffic or are a way back, each accepts the tokens of each: no switch ends a session. */
export function sharedSigningKey(move: Move, { tokens }: Circumstances): Refusal[] {
  const { target, wanted } = move;
  const trust = tokens.get(target);
  if (trust === undefined) return [];
  const serving = mayServe(move);
  const expected = `tokens of ${serving.join(", ")} to be valid on each of them, as ${formatSplit(wanted.split)} and the way back from it need`;
  return serving.flatMap((by) =>
    serving
      .filter((signer) => !trust[by].includes(signer))
      .map((signer) => ({ ...refusedBy(by, signer, keyOf(target)), expected })),
  );
}

/** With traffic once the move is made, or on the way back from there. */
function mayServe({ next, wanted }: Move): readonly Backend[] {
  const splits = [next.split, ...waysBack(next, wanted)];
  return BACKENDS.filter((backend) => splits.some((split) => split[backend] > 0));
}

function refusedBy(by: Backend, signer: Backend, target: string): Omit<Refusal, "expected"> {
  const shared = `${target}.signingKey`;
  const signs = signer === "legacy" ? shared : `${target}.secrets.${signer}.SIGNING_KEY`;
  if (by === "legacy") {
    // Of the monorepo, no more is known than that it shares the key.
    return {
      key: signs,
      found: `${signer} signs with another key than ${shared}, the only one that legacy is known to accept`,
      fix: `let ${signer} sign with ${shared} for as long as legacy is kept, and rotate when it is retired`,
    };
  }
  const accepts = `${target}.secrets.${by}.ACCEPTED_SIGNING_KEY`;
  return {
    key: accepts,
    found: `${by} doesn't accept the tokens that ${signer} signs`,
    fix: `while ${by} has no traffic, let it accept the key that ${signer} signs with (${signs}${signer === "legacy" ? "" : `, else ${shared}`}); the steps are in docs/rotate-signing-key.md`,
  };
}
