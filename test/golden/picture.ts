import path from "node:path";
import { buildSync } from "esbuild";
import { checkoutDir } from "../../local/paths";
import type { Registered } from "../unit/support/recording";

/* Pictures of the code as it is, as Mermaid. */

/** What can be started. */
const entries = ["index.ts", "cutover/main.ts", "policy/index.ts", "local/start.ts"];

/** The folders and the imports between them, as the bundler finds them. */
export function moduleGraph(): string {
  const { metafile } = buildSync({
    entryPoints: entries,
    absWorkingDir: checkoutDir,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    packages: "external",
    outdir: "out",
    logLevel: "error",
  });
  const edges = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports
      .filter(({ external }) => external !== true)
      .map((each) => [roomOf(file), roomOf(each.path)] as const)
      .filter(([from, to]) => from !== to)
      .map(([from, to]) => `  ${from} --> ${to}`),
  );
  return ["flowchart TD", ...sorted(edges)].join("\n");
}

/** The top folder of a file; those at the top itself are the program. */
function roomOf(file: string): string {
  const [first = "", ...rest] = file.split(path.posix.sep);
  return rest.length === 0 ? "program" : first;
}

/** What one target is made from: its components with their resources, and what waits for what. */
export function targetGraph(graph: readonly Registered[], target: string): string {
  const own = graph.filter(({ name }) => name === target || name.startsWith(`${target}-`));
  const parents = new Set(own.flatMap(({ parent }) => parent ?? []));
  const leaves = own.filter(({ name }) => !parents.has(name));
  const boxes = [...parents]
    .filter((parent) => own.some(({ name }) => name === parent))
    .sort()
    .map((parent) => {
      const inside = leaves.filter((leaf) => leaf.parent === parent);
      if (inside.length === 0) return [];
      return [
        `  subgraph ${idOf(parent)}_box["${parent}"]`,
        ...inside.map(({ name, type }) => `    ${idOf(name)}["${kindOf(type)}<br/>${name}"]`),
        "  end",
      ];
    });
  const names = new Set(leaves.map(({ name }) => name));
  const edges = leaves.flatMap(({ name, dependencies }) =>
    dependencies.filter((each) => names.has(each)).map((each) => `  ${idOf(name)} --> ${idOf(each)}`),
  );
  return ["flowchart LR", ...boxes.flat(), ...sorted(edges)].join("\n");
}

function idOf(name: string): string {
  return name.replaceAll("-", "_");
}

/** `kubernetes:apps/v1:Deployment` is a Deployment. */
function kindOf(type: string): string {
  return type.split(":").at(-1) ?? type;
}

function sorted(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)].sort();
}
