import { createColors } from "picocolors";
import type { Second } from "./perSecond";
import { backends } from "./shot";
import type { Backend } from "./shot";

const paint = createColors(true);

/** The colour in which a terminal shows each backend. */
export const backendPaint: Readonly<Record<Backend, (text: string) => string>> = {
  legacy: paint.yellow,
  blue: paint.blueBright,
  green: paint.greenBright,
};

const backendBackground: Readonly<Record<Backend, (text: string) => string>> = {
  legacy: paint.bgYellow,
  blue: paint.bgBlueBright,
  green: paint.bgGreenBright,
};

/** A cell filled from below by one eighth to seven eighths. */
const fills = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];

/**
 * One second as one character: the first backend that answered as the ground, the last one risen from below by its
 * share (a share that isn't all is never shown as all, nor as none). A failure shows above all else.
 */
export function timelineCell({ answers, failed }: Second): string {
  if (failed > 0) return paint.bgRed(paint.whiteBright("!"));
  const answering = backends.filter((backend) => answers[backend] > 0);
  const [ground, risen] = [answering.at(0), answering.at(-1)];
  if (ground === undefined || risen === undefined) return paint.dim("·");
  if (ground === risen) return backendPaint[ground]("▇");
  const share = answers[risen] / (answers[ground] + answers[risen]);
  const eighths = Math.min(fills.length, Math.max(1, Math.round(share * 8)));
  return backendBackground[ground](backendPaint[risen](fills[eighths - 1] ?? ""));
}
