import { createColors } from "picocolors";
import type { Backend } from "../migration";

const paint = createColors(true);

export type Painter = (text: string) => string;

/** The colour in which a terminal shows each backend. */
export const backendPaint: Readonly<Record<Backend, Painter>> = {
  legacy: paint.yellow,
  blue: paint.blueBright,
  green: paint.greenBright,
};
