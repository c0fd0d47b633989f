import type { Images } from "./routeRecord";
import type { Color } from "./split";

/** What the config gives a colour besides its image. */
const kinds = ["settings", "secrets"] as const;

/** A hash of each, that only tells whether it is another; absent where the config gives none. */
export type ColorContents = Readonly<Partial<Record<(typeof kinds)[number], string>>>;

/** For each colour that runs. */
export type Contents = Readonly<Partial<Record<Color, ColorContents>>>;

export interface Release {
  readonly images: Images;
  /** Absent where it isn't known: on a route from before this was recorded, and to who can't read the secrets. */
  readonly contents?: Contents;
}

export type ReleasePart = "image" | (typeof kinds)[number];

/** In what a colour's release is another one. What isn't known is taken for the same. */
export function changedParts(before: Release, after: Release, color: Color): readonly ReleasePart[] {
  const image = before.images[color] === after.images[color] ? [] : (["image"] as const);
  const [from, to] = [before.contents?.[color], after.contents?.[color]];
  if (from === undefined || to === undefined) return image;
  return [...image, ...kinds.filter((kind) => from[kind] !== to[kind])];
}

/** Written in this order always, so that equal contents are equal text. */
export function formatContents({ blue, green }: Contents): string {
  return JSON.stringify({ blue: blue && ordered(blue), green: green && ordered(green) });
}

/** One colour's, as it was written; undefined for what isn't that. */
export function readColorContents(value: unknown): ColorContents | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const found: Partial<Record<(typeof kinds)[number], string>> = {};
  for (const [name, hash] of Object.entries(value)) {
    const kind = kinds.find((known) => known === name);
    if (kind === undefined || typeof hash !== "string") return undefined;
    found[kind] = hash;
  }
  return found;
}

function ordered({ settings, secrets }: ColorContents): object {
  return { settings, secrets };
}
