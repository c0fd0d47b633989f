import Table from "cli-table3";
import { type Split, formatSplit } from "../migration";
import { digestOf } from "../registry/reference";
import { withoutBorders } from "../terminal/tableStyle";
import type { CompatibilityMatrix, MatrixRow, PinnedVersion } from "./compatibility";
import { shortImage } from "./shortImage";

const headings = [
  "target",
  "stage",
  "served by",
  "legacy",
  "blue",
  "green",
  "depends on, served by",
] as const;
const none = "–";

/** Plain columns, with a line per dependency. */
export function renderMatrix(matrix: CompatibilityMatrix): string {
  const table = new Table({ ...withoutBorders, head: [...headings] });
  for (const row of matrix.targets) table.push(cellsOf(row, matrix).map((lines) => lines.join("\n")));
  const lines = table.toString().split("\n");
  return [...lines.map((line) => line.trimEnd()), "", ...notesOf(matrix)].join("\n");
}

/** For a pull request or a wiki. Made anew each time: a copy that is kept goes stale. */
export function renderMatrixMarkdown(matrix: CompatibilityMatrix): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(headings),
    line(headings.map(() => "---")),
    ...matrix.targets.map((row) => line(cellsOf(row, matrix).map((lines) => lines.join("<br>")))),
    "",
    ...notesOf(matrix).map((note) => `- ${note}`),
  ].join("\n");
}

/** The lines of each cell. */
function cellsOf(row: MatrixRow, { isLive }: CompatibilityMatrix): string[][] {
  const { target, stage, serves, legacy, blue, green, dependsOn } = row;
  return [
    [target],
    [stage ?? none],
    [legacy === null ? none : servedBy(serves)],
    [legacy ?? none],
    [versionOf(blue, isLive)],
    [versionOf(green, isLive)],
    dependsOn.length === 0
      ? [none]
      : dependsOn.map((dependency) => `${dependency.target} ${servedBy(dependency.serves)}`),
  ];
}

function servedBy(split: Split | null): string {
  return split === null ? "changed by hand" : formatSplit(split);
}

/** What runs; where the file says otherwise, an arrow to that. */
function versionOf(version: PinnedVersion | null, isLive: boolean): string {
  if (version === null) return none;
  const { runs, pinned } = version;
  return runs === pinned || !isLive ? short(pinned) : `${short(runs)} -> ${short(pinned)}`;
}

function short(image: string | null): string {
  return image === null ? none : shortImage(image);
}

function notesOf({ at, isLive, targets }: CompatibilityMatrix): string[] {
  const images = targets.flatMap(({ blue, green }) => [blue, green].flatMap((each) => each?.pinned ?? []));
  const loose = images.filter((image) => digestOf(image) === undefined).length;
  return [
    isLive
      ? `at ${at}; where two images are named, the first runs and the file asks for the second`
      : `at ${at}, by the stack file alone: nothing is known of what runs`,
    `${images.length} images in the file, ${images.length - loose} pinned by digest${loose > 0 ? `, ${loose} by tag only` : ""}`,
    ...targets.flatMap(({ target, implementation }) =>
      implementation === null
        ? []
        : [
            `${target}: the ${implementation.runtime} implementation is extracted; archived: ${implementation.archived.join(", ")}`,
          ],
    ),
  ];
}
