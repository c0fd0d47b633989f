import { createColors } from "picocolors";
import { type Painter, backendPaint } from "../../terminal/paint";
import type { Second } from "./perSecond";
import { BACKENDS } from "../../migration";
import type { Backend } from "../../migration";

const paint = createColors(true);

const background: Readonly<Record<Backend, Painter>> = {
  legacy: paint.bgYellow,
  blue: paint.bgBlueBright,
  green: paint.bgGreenBright,
};

const failurePaint: Painter = (text) => paint.bgRed(paint.whiteBright(text));

/** What a cell shows of a split that is shared: how far the one has risen before the other. */
const sharedPaint = new Map<string, Painter>(
  BACKENDS.flatMap((ground) =>
    BACKENDS.map((risen): [string, Painter] => [
      `${risen} on ${ground}`,
      (text) => background[ground](backendPaint[risen](text)),
    ]),
  ),
);

/** Filled from below by one eighth to seven eighths. */
const fills = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];
const full = "▇";

/** A character for each second, oldest first; neighbours that look alike are painted as one. */
export function timelineText(seconds: readonly Second[]): string {
  const runs: Cell[] = [];
  for (const cell of seconds.map(cellOf)) {
    const run = runs.at(-1);
    if (run?.paint === cell.paint) run.text += cell.text;
    else runs.push(cell);
  }
  return runs.map((run) => run.paint(run.text)).join("");
}

interface Cell {
  text: string;
  readonly paint: Painter;
}

/**
 * The first backend that answered as the ground, the last one risen from below by its share, which is seen however
 * small it is. A failure shows above all else.
 */
function cellOf({ answers, failed }: Second): Cell {
  if (failed > 0) return { text: "!", paint: failurePaint };
  const answering = BACKENDS.filter((backend) => answers[backend] > 0);
  const [ground, risen] = [answering.at(0), answering.at(-1)];
  if (ground === undefined || risen === undefined) return { text: "·", paint: paint.dim };
  if (ground === risen) return { text: full, paint: backendPaint[ground] };
  const share = answers[risen] / (answers[ground] + answers[risen]);
  const eighths = Math.min(fills.length, Math.max(1, Math.round(share * 8)));
  return {
    text: fills[eighths - 1] ?? full,
    paint: sharedPaint.get(`${risen} on ${ground}`) ?? backendPaint[risen],
  };
}
