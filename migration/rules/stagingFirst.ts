import { identityOf } from "../freeze";
import type { Move } from "../move";
import { gainingColors } from "../staging";
import { keyOf } from "../violation";
import type { Circumstances, Refusal } from "./rule";

/** A digest that gains weight has once had 100 % for its soak in staging. */
export function stagingFirst(move: Move, { staging }: Circumstances): Refusal[] {
  if (staging === undefined) return [];
  const { target, wanted } = move;
  return gainingColors(move).flatMap((color) => {
    const image = wanted.images[color];
    if (image === undefined) return [];
    const refusal = (found: string, fix: string): Refusal => ({
      key: `${keyOf(target)}.${color}`,
      found: `${wanted.split[color]} % for ${identityOf(image)}, ${found}`,
      expected: "a digest that has had 100 % for its soak in staging",
      fix,
    });
    if ("unreadable" in staging) {
      const fix = `make staging's state readable from here, then try again; the way back doesn't need it`;
      return [refusal(`and staging can't be read: ${staging.unreadable}`, fix)];
    }
    if (staging.get(target)?.includes(identityOf(image))) return [];
    return [
      refusal(
        "which staging has not completed",
        `take ${target} to 100 % with that digest in staging, and update staging after its soak`,
      ),
    ];
  });
}
