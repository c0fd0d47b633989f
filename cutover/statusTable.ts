import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import { createColors } from "picocolors";
import { targetNames } from "../catalog";
import { withoutBorders } from "../terminal/tableStyle";
import { isInteractive } from "../terminal/output";
import type { Output } from "../terminal/output";
import { backendPaint } from "../terminal/paint";
import { BACKENDS, COLORS, formatSplit } from "../migration";
import type { Backend, Images, Split } from "../migration";
import { formatStep } from "../migration/plan";
import { databaseLines } from "./databaseTable";
import { shortImage } from "./shortImage";
import { formatMinute, standingOf } from "./situation";
import type { InfrastructureSituation, Situation, TargetSituation } from "./situation";

/**
 * The situation as a table that fits `output`: with bars and colours on a terminal, plain columns elsewhere. Where
 * room is short, the tier, the images and the age of the split are left out, in this order, and the last column wraps.
 * @param lock what is known of a lock that is held
 */
export function renderStatus(
  situation: Situation,
  output: Output,
  { lock }: { readonly lock?: string } = {},
): string {
  const style = styleOf(isInteractive(output));
  const rows = targetNames.flatMap((name) =>
    name === "infrastructure"
      ? [infrastructureRow(situation.infrastructure, style)]
      : situation.targets.filter(({ target }) => target === name).map((one) => row(one, situation.at, style)),
  );
  // A pipe has no width, and some terminals say 0.
  const columns = output.columns === undefined || output.columns === 0 ? Infinity : output.columns;
  return [
    ...tableLines(rows, columns, style),
    ...databaseLines(situation.targets, columns, style.paint),
    "",
    ...driftLines(situation, style),
    ...readOnlyLines(situation, style),
    ...contractedLines(situation, style),
    summary(situation),
    ...standingOf(situation),
    ...(lock === undefined ? [] : [style.paint.yellow(lock)]),
  ].join("\n");
}

interface Style {
  readonly interactive: boolean;
  readonly paint: ReturnType<typeof createColors>;
  readonly backend: (backend: Backend, text: string) => string;
}

function styleOf(interactive: boolean): Style {
  return {
    interactive,
    paint: createColors(interactive),
    backend: (backend, text) => (interactive ? backendPaint[backend](text) : text),
  };
}

const headings = {
  target: "target",
  tier: "tier",
  stage: "stage",
  split: "split",
  images: "images",
  since: "since",
  next: "next, or what holds it back",
} as const;

type Column = keyof typeof headings;

/** Cells may have several lines. */
type Row = Readonly<Record<Exclude<Column, "next">, string>> & {
  readonly next: Next;
};

/** Told in one line where there is room, else in two. */
interface Next {
  readonly step?: string;
  readonly text: string;
  readonly paint: (text: string) => string;
}

const none = "–";

function row(situation: TargetSituation, at: Date, style: Style): Row {
  const { target, tier, stage, split, since, images, inFlight: flies, drift } = situation;
  return {
    target: drift === undefined ? target : style.paint.red(target),
    tier: String(tier),
    stage: stage === undefined ? none : flies ? style.paint.bold(stage) : stage,
    split: split === undefined ? none : splitCell(split, style),
    images: imagesCell(images, style),
    since: since === undefined ? none : age(since, at),
    next: nextCell(situation, style),
  };
}

function infrastructureRow({ tier, owner }: InfrastructureSituation, { paint }: Style): Row {
  return {
    target: "infrastructure",
    tier: String(tier),
    stage: owner,
    split: none,
    images: none,
    since: none,
    next:
      owner === "pulumi"
        ? { text: "done", paint: paint.dim }
        : { text: "owner: pulumi in the file", paint: (text) => text },
  };
}

function nextCell({ next, drift, candidate, command, heldBackBy }: TargetSituation, { paint }: Style): Next {
  if (drift !== undefined) return { text: heldBackBy, paint: paint.red };
  if (next === undefined) return { text: heldBackBy, paint: paint.dim };
  if (command !== undefined) return { step: formatStep(next), text: command, paint: paint.cyan };
  // The soak and the missing image are steps themselves.
  const isStep = next.kind === "soak" || next.kind === "stage" || candidate === "ambiguous";
  return { ...(!isStep && { step: formatStep(next) }), text: heldBackBy, paint: paint.yellow };
}

const barCells = 10;

function splitCell(split: Split, { interactive, backend: paint }: Style): string {
  if (!interactive) return formatSplit(split);
  const cells = barCellsOf(split);
  const bar = BACKENDS.filter((backend) => cells[backend] > 0)
    .map((backend) => paint(backend, "█".repeat(cells[backend])))
    .join("");
  return `${bar} ${BACKENDS.map((backend) => split[backend]).join("/")}`;
}

/** However small a share, it is seen; what that adds is taken from the largest. */
function barCellsOf(split: Split): Record<Backend, number> {
  const cells = { legacy: 0, blue: 0, green: 0 };
  for (const backend of BACKENDS) {
    if (split[backend] > 0) cells[backend] = Math.max(1, Math.round((split[backend] * barCells) / 100));
  }
  const largest = BACKENDS.reduce((best, each) => (split[each] > split[best] ? each : best));
  cells[largest] += barCells - (cells.legacy + cells.blue + cells.green);
  return cells;
}

function imagesCell(images: Images, { backend: paint }: Style): string {
  const lines = COLORS.flatMap((color) => {
    const image = images[color];
    return image === undefined ? [] : [paint(color, `${color} ${shortImage(image)}`)];
  });
  return lines.join("\n") || none;
}

/** Rounded down: `40 s`, `12 min`, `3 h`, `2 d`. */
function age(since: Date, at: Date): string {
  const seconds = Math.max(0, Math.floor((at.getTime() - since.getTime()) / 1000));
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (minutes < 1) return `${seconds} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

const gap = 2;
/** Room for "soaking until" a time. */
const leastNextWidth = 31;

function tableLines(rows: readonly Row[], columns: number, { paint }: Style): string[] {
  const widths = {
    target: widthOf(rows, "target"),
    tier: widthOf(rows, "tier"),
    stage: widthOf(rows, "stage"),
    split: widthOf(rows, "split"),
    images: widthOf(rows, "images"),
    since: widthOf(rows, "since"),
  };
  const fullWidth = Math.max(...rows.map(({ next }) => oneLine(next).length), headings.next.length);
  let shown: readonly (keyof typeof widths)[] = ["target", "tier", "stage", "split", "images", "since"];
  const room = (): number => columns - shown.reduce((sum, column) => sum + widths[column] + gap, 0);
  for (const least of ["tier", "images", "since"] as const) {
    if (room() < Math.min(leastNextWidth, fullWidth)) shown = shown.filter((column) => column !== least);
  }
  const nextWidth = Math.max(leastNextWidth, Math.min(room(), fullWidth));
  const table = new Table({
    ...withoutBorders,
    head: [...shown.map((column) => headings[column]), headings.next].map((heading) => paint.bold(heading)),
    colWidths: [...shown.map((column) => widths[column]), nextWidth],
    wordWrap: true,
  });
  for (const each of rows) {
    const { text, paint: painted, step } = each.next;
    const separator = oneLine(each.next).length > nextWidth ? ":\n" : ": ";
    table.push([
      ...shown.map((column) => each[column]),
      step === undefined ? painted(text) : `${step}${separator}${painted(text)}`,
    ]);
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

function oneLine({ step, text }: Next): string {
  return step === undefined ? text : `${step}: ${text}`;
}

function widthOf(rows: readonly Row[], column: Exclude<Column, "next">): number {
  const lines = rows.flatMap((each) => stripVTControlCharacters(each[column]).split("\n"));
  return Math.max(headings[column].length, ...lines.map((line) => line.length));
}

function driftLines({ targets, stateRead }: Situation, { paint }: Style): string[] {
  return [
    ...targets.flatMap(({ target, drift }) =>
      drift === undefined ? [] : [`${paint.red(target)}, ${drift.kind}: ${drift.text}`],
    ),
    ...(stateRead ? [] : [paint.red("The state couldn't be read: what was last applied isn't known.")]),
  ];
}

function readOnlyLines({ targets }: Situation, { paint }: Style): string[] {
  return targets
    .filter(({ database }) => database?.mode === "read-only")
    .map(
      ({ target }) =>
        `${paint.red(`READ-ONLY: ${target}`)}, by the file: no backend of it writes. Undo it with: cutover read-only ${target} --off`,
    );
}

function contractedLines({ targets }: Situation, { paint }: Style): string[] {
  return targets
    .filter(({ database }) => database?.contracted === true)
    .map(
      ({ target }) =>
        `${paint.bold(`past a contract step: ${target}`)}, which legacy can't take over any more. The way back is a restore: cutover migrate ${target} --status`,
    );
}

function summary({ targets }: Situation): string {
  const flying = targets.filter(({ inFlight }) => inFlight);
  if (flying.length > 0) {
    return `${flying.length} in flight: ${flying.map((one) => `${one.target} (${flight(one)})`).join(", ")}`;
  }
  const free = targets.find(({ command, heldBackBy }) => command !== undefined && heldBackBy === "nothing");
  return free?.command === undefined ? "Nothing in flight" : `Nothing in flight; next: ${free.command}`;
}

function flight({ stage, next, split }: TargetSituation): string {
  if (next?.kind === "soak" && next.until !== undefined) return `soaking until ${formatMinute(next.until)}`;
  return `${stage ?? "in flight"}${split ? `, ${formatSplit(split)}` : ""}`;
}
