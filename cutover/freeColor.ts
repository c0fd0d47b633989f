import { COLORS, type Color, type Violation, formatViolations } from "../migration";
import { UsageError } from "./project";
import { Refused } from "./refused";
import type { TargetSituation } from "./situation";
import { shortImage } from "./shortImage";

/** Rules that keep a colour as it is; any other would refuse the image in both. */
const keeping = ["no-edit-under-traffic", "standby-while-soaking"];

/**
 * The colour that a new image can go into: without traffic, on the route and in the file, and not a standby that is
 * needed. Where no colour has an image it is blue, as in the plan.
 * @param judged what the rules say of the image in a colour
 * @throws UsageError when both could be meant, Refused when none is free
 */
export function freeColor(
  { target, wanted, split }: Pick<TargetSituation, "target" | "wanted" | "split">,
  judged: (color: Color) => readonly Violation[],
): Color {
  const occupied = COLORS.map((color) => {
    const share = Math.max(wanted.split[color], split?.[color] ?? 0);
    const kept = judged(color).filter(
      (violation) => violation.target === target && keeping.includes(violation.rule),
    );
    return { color, share, kept };
  });
  const free = occupied.filter(({ share, kept }) => share === 0 && kept.length === 0);
  const [only, other] = free;
  if (only === undefined) {
    const why = occupied.map(({ color, share, kept }) =>
      share > 0 ? `  ${color} has ${share} % of the traffic` : formatViolations(kept),
    );
    throw new Refused([`${target}: no colour is free; nothing was changed.`, ...why].join("\n"));
  }
  const isFirst = COLORS.every((color) => wanted.images[color] === undefined);
  if (other === undefined || isFirst) return only.color;
  const both = COLORS.map((color) => `${color} (${contentOf(wanted.images[color])})`).join(" and ");
  throw new UsageError(
    `${target}: ${both} are both free, expected --color blue or --color green; nothing was changed.`,
  );
}

function contentOf(image: string | undefined): string {
  return image === undefined ? "no image" : shortImage(image);
}
